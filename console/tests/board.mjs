// node console/tests/board.mjs: what the board asks of the server, found out by opening it, and how long each answer takes there: asked alone, ROUNDS times, from
// the request until the last byte. TOCSIN_URL serves the store, TOCSIN_TOKEN may read it. Exits 1 when one of them, or all of them together, take longer than the target, and when the board asked for nothing or not for the day's report.
import { chromium } from 'playwright-core'

const url = process.env.TOCSIN_URL
const rounds = Number(process.env.ROUNDS ?? 15)
const TARGET = 100
const headers = { Authorization: `Bearer ${process.env.TOCSIN_TOKEN ?? 'token-root'}`, 'Accept-Encoding': 'identity' }
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
const context = await browser.newContext({ extraHTTPHeaders: { Authorization: headers.Authorization } })
const page = await context.newPage()
const asked = new Set()
page.on('request', (r) => /\/api\/v1\/(?!events|session)/.test(r.url()) && asked.add(r.url()))
await page.goto(`${url}/#/`)
await page.waitForSelector('.panels')
await page.waitForTimeout(3000)
await browser.close()
const missing = ['/reports/', '/obligations/'].filter((path) => ![...asked].some((address) => address.includes(path)))
if (missing.length) {
  console.log(`   the board asked for ${asked.size} things, not for ${missing.join(', ')}: it has not been measured`)
  process.exit(1)
}

let sum = 0
let missed = 0
for (const address of asked) {
  const times = []
  let bytes = 0
  for (let i = 0; i < rounds; i++) {
    const from = performance.now()
    const answer = await fetch(address, { headers })
    bytes = (await answer.arrayBuffer()).byteLength
    if (answer.ok) times.push(performance.now() - from)
  }
  times.sort((a, b) => a - b)
  const median = times[times.length >> 1] ?? NaN
  sum += median
  if (!(median < TARGET)) missed++
  const path = decodeURIComponent(address.slice(url.length + 8))
  console.log(`   ${median.toFixed(1).padStart(7)} ms (worst ${(times.at(-1) ?? NaN).toFixed(1)}), ${(bytes / 1000).toFixed(1)} kB  ${path}${median < TARGET ? '' : `   MISSED (${TARGET})`}`)
}
if (!(sum < TARGET)) missed++
console.log(`   ${sum.toFixed(0)} ms all ${asked.size} one after another (target ${TARGET})${sum < TARGET ? '' : '   MISSED'}`)
process.exit(missed ? 1 : 0)
