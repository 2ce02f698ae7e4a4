// node console/tests/trace.mjs: how long the first screens take, and how steady a grid over a register of many rows scrolls. TOCSIN_URL serves the store,
// TOCSIN_TOKEN is a development token that may read it, REGISTER and ROWS say what is there. Frames are counted twice: by requestAnimationFrame in the page and by
// the browser's own trace (frames drawn and dropped). Exits 1 when a target is missed.
import { readFileSync, rmSync } from 'node:fs'
import { chromium } from 'playwright-core'

const url = process.env.TOCSIN_URL
const token = process.env.TOCSIN_TOKEN ?? 'token-root'
const register = process.env.REGISTER ?? 'contact'
const rows = Number(process.env.REACH ?? process.env.ROWS ?? 1_000_000) // the row to be reached
const seconds = Number(process.env.SECONDS ?? 10)
let missed = 0
function target(holds, text) {
  if (!holds) missed++
  console.log(`   ${text}${holds ? '' : '   MISSED'}`)
}
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })

/** Milliseconds from the address until `selector` stands and has been drawn, nothing in the cache; the bytes of script that came by then; and until `whole` stands, what comes after. The page itself looks,
 * once a frame: a driver that looks from outside puts its own script into the page first, 40 ms of it. */
async function firstLoad(name, path, selector, headers, whole = '') {
  const times = []
  const later = []
  let script = 0
  for (let i = 0; i < 5; i++) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, extraHTTPHeaders: headers })
    const page = await context.newPage()
    const cdp = await context.newCDPSession(page)
    await cdp.send('Network.enable')
    const isScript = new Set()
    script = 0
    cdp.on('Network.responseReceived', (e) => e.type === 'Script' && isScript.add(e.requestId))
    cdp.on('Network.loadingFinished', (e) => isScript.has(e.requestId) && (script += e.encodedDataLength))
    const seen = new Promise((told) => void page.exposeFunction('seen', told))
    await page.addInitScript(
      (wanted) => {
        const times = []
        const look = () => {
          if (!document.querySelector(wanted[times.length])) return void requestAnimationFrame(look)
          requestAnimationFrame(() => requestAnimationFrame((now) => (times.push(now), times.length < wanted.length ? look() : window.seen(times))))
        }
        requestAnimationFrame(look)
      },
      [selector, ...(whole ? [whole] : [])],
    )
    await page.goto(`${url}/#${path}`, { waitUntil: 'commit' })
    const [first, all] = await seen
    times.push(first)
    if (whole) later.push(all)
    await context.close()
  }
  for (const list of [times, later]) list.sort((a, b) => a - b)
  target(times[2] < 1000, `${name}: interactive after ${times[2].toFixed(0)} ms (median of 5, worst ${times[4].toFixed(0)}; target 1000), ${(script / 1000).toFixed(0)} kB of script over the line`)
  if (whole) target(later[2] < 1000, `${name}: with its filters after ${later[2].toFixed(0)} ms (median of 5, worst ${later[4].toFixed(0)}; target 1000)`)
}
await firstLoad('sign-in', '/sign-in', '#login')
const auth = { Authorization: `Bearer ${token}` }
await firstLoad(`grid of ${register}`, `/registers/${register}`, '.rows .row a', auth, '.filters .add')

const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, extraHTTPHeaders: auth })
const page = await context.newPage()
await page.goto(`${url}/#/registers/${register}`)
await page.waitForSelector('.rows .row a')

/** Scrolls by `step` pixels a frame for so long; frames, rows in sight that were not there yet, the longest task. */
async function scroll(name, step) {
  const file = `${process.env.TMPDIR ?? '/tmp'}/tocsin-trace-${process.pid}.json`
  await browser.startTracing(page, { path: file, categories: ['disabled-by-default-devtools.timeline.frame', 'devtools.timeline.frame'] })
  const got = await page.evaluate(
    ([by, s]) =>
      new Promise((done) => {
        const grid = document.querySelector('.grid')
        const frames = []
        let empty = 0
        let longest = 0
        const tasks = new PerformanceObserver((l) => l.getEntries().forEach((e) => (longest = Math.max(longest, e.duration))))
        tasks.observe({ entryTypes: ['longtask'] })
        const from = grid.scrollTop
        let last = performance.now()
        const end = last + s * 1000
        const one = (now) => {
          frames.push(now - last)
          last = now
          grid.scrollTop += by
          if (grid.querySelector('.rows .row > .faint')) empty++
          if (now < end) requestAnimationFrame(one)
          else {
            tasks.disconnect()
            done({ frames: frames.slice(1), empty, longest, rows: Math.abs(grid.scrollTop - from) / 32 })
          }
        }
        requestAnimationFrame(one)
      }),
    [step, seconds],
  )
  await browser.stopTracing()
  const events = JSON.parse(readFileSync(file, 'utf8')).traceEvents ?? []
  rmSync(file)
  const drawn = events.filter((e) => e.name === 'DrawFrame').length
  const dropped = events.filter((e) => e.name === 'DroppedFrame').length
  const sorted = [...got.frames].sort((a, b) => a - b)
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  const fps = (1000 * got.frames.length) / got.frames.reduce((a, b) => a + b, 0)
  target(
    fps >= 58 && at(0.99) <= 34 && sorted.at(-1) <= 100,
    `${name}: ${fps.toFixed(1)} frames/s over ${seconds} s (target 58); frame median ${at(0.5).toFixed(1)} ms, 99 of 100 within ${at(0.99).toFixed(1)} (34), longest ${sorted.at(-1).toFixed(1)} (100); ` +
      `traced: ${drawn} drawn, ${dropped} dropped; ${Math.round(got.rows)} rows passed, ${got.empty} frames with a row not there yet, longest task ${got.longest.toFixed(0)} ms`,
  )
}
await scroll('down, 3 rows a frame', 96)

// To the last row: every page is asked for once, along the keys.
const began = Date.now()
await page.evaluate(
  (n) =>
    new Promise((done, fail) => {
      const grid = document.querySelector('.grid')
      let high = 0
      let since = performance.now()
      const one = () => {
        grid.scrollTop = grid.scrollHeight
        const now = grid.querySelector('.rows').offsetHeight / 32
        if (now > high) [high, since] = [now, performance.now()]
        if (high >= n) done(high)
        else if (performance.now() - since > 20000) fail(new Error(`stuck at ${high} rows`))
        else requestAnimationFrame(one)
      }
      one()
    }),
  rows,
)
console.log(`   to row ${rows.toLocaleString('en-US')}: ${((Date.now() - began) / 1000).toFixed(0)} s, ${Math.round(rows / ((Date.now() - began) / 1000)).toLocaleString('en-US')} rows/s`)
await scroll('up from the last row, 3 rows a frame', -96)
const heap = await page.evaluate(() => performance.memory?.usedJSHeapSize ?? 0)
console.log(`   memory of the page's scripts at the end: ${(heap / 1e6).toFixed(0)} MB`)
await browser.close()
process.exit(missed ? 1 : 0)
