// What the walks through the console share: a browser, people who sign in, waiting without sleeping, what must hold on every screen, TAP.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

import { hold } from './told.mjs'

export const here = (path) => fileURLToPath(new URL(path, import.meta.url))
export const url = process.env.TOCSIN_URL
/** A machine that has more to do takes longer: all waiting stretches with TOCSIN_TIMEOUT (tests/run). */
export const patience = Math.max(1, Number(process.env.TOCSIN_TIMEOUT ?? 0) / 600)
/** TOCSIN_SLOW=3: a processor three times slower, every answer 300 ms later. */
const slow = Number(process.env.TOCSIN_SLOW ?? 0)
export const pictures = process.env.TOCSIN_PICTURES ?? here('../../build/screens')
mkdirSync(pictures, { recursive: true })
const axe = readFileSync(here('../node_modules/axe-core/axe.min.js'), 'utf8')
const words = readdirSync(here('../src/i18n/zh')).map((file) => file.replace('.json', ''))
const keys = new RegExp(`\\b(${words.join('|')})\\.[a-z_]+(\\.[a-z_0-9]+)*\\b`)

// ---- TAP
let count = 0
let bad = 0
export function ok(holds, name, ...why) {
  count++
  if (!holds) bad++
  console.log(`${holds ? 'ok' : 'not ok'} ${count} - ${name}`)
  if (!holds) for (const line of why.flat().join('\n').split('\n').slice(0, 40)) console.log(`# ${line.slice(0, 400)}`)
}
/** A test: what it throws is its failure, and a picture of the page it was on is kept. */
export async function test(name, run, page = null) {
  try {
    await run()
    ok(true, name)
  } catch (e) {
    const file = `${pictures}/failed-${name.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}.png`
    if (page) await page.screenshot({ path: file, timeout: 5000 }).catch(() => {})
    ok(false, name, String(e?.message ?? e), page ? `${page.url()} ${file}` : '')
  }
}
export function must(holds, why) {
  if (!holds) throw new Error(why)
}
export function done() {
  console.log(`1..${count}`)
  return bad
}

// ---- people
/** LOGIN -> password, as scripts/demo printed them. */
export const people = Object.fromEntries(
  readFileSync(process.env.TOCSIN_ACCOUNTS, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((cells) => cells.length === 3 && cells[1].startsWith('demo-'))
    .map((cells) => [cells[1], cells[2]]),
)

export async function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--force-prefers-reduced-motion'] })
}

/** A slow machine on a long line: what does not wait for what it needs is found by it. */
async function slowed(page) {
  const way = await page.context().newCDPSession(page)
  await way.send('Emulation.setCPUThrottlingRate', { rate: slow })
  await way.send('Network.emulateNetworkConditions', { offline: false, latency: 100 * slow, downloadThroughput: -1, uploadThroughput: -1 })
}

/** The browser sometimes never tells the end of a context; the walk after that gets another one. */
export const stuck = { browser: false }
/** A page of its own with everything counted that should not happen there. `refused(status, address)` says which refusals are meant. */
export async function open(browser, { lang = 'zh', width = 1440, height = 900, look = 'light', state = undefined } = {}) {
  const context = await browser.newContext({ locale: lang === 'zh' ? 'zh-CN' : 'en-GB', viewport: { width, height }, colorScheme: look, storageState: state, reducedMotion: 'reduce' })
  const page = await context.newPage()
  page.setDefaultTimeout(30000 * patience)
  if (slow) await slowed(page)
  const seen = { faults: [], requests: [], busy: new Set(), quiet: Date.now(), refused: () => false }
  page.on('console', (m) => {
    if (!['error', 'warning'].includes(m.type())) return
    const status = Number(/status of (\d+)/.exec(m.text())?.[1] ?? (/ERR_(CONNECTION|INCOMPLETE|EMPTY)/.test(m.text()) ? 0 : -1))
    if (status >= 0 && seen.refused(status, m.location().url)) return
    seen.faults.push(`${m.type()}: ${m.text()} ${m.location().url}`)
  })
  page.on('pageerror', (e) => seen.faults.push(`error: ${e.stack ?? e.message}`))
  page.on('response', (r) => void hold(r).catch((e) => seen.faults.push(`an answer could not be held to the document: ${e.message}`)))
  let leaving = false
  const stream = (r) => r.resourceType() === 'eventsource' || /\/events(\?|$)/.test(r.url())
  page.on('request', (r) => {
    if (r.url().startsWith('data:')) return
    if (!r.url().includes('/assets/')) seen.requests.push(`${r.method()} ${r.url()}`) // its own files, fetched before they are needed, are no question
    if (!stream(r)) seen.busy.add(r)
    if (r.isNavigationRequest() && r.frame() === page.mainFrame()) leaving = true
    seen.quiet = Date.now()
  })
  // What a page still asked when it was left: of some of that the browser never tells the end.
  page.on('framenavigated', (frame) => {
    if (!leaving || frame !== page.mainFrame()) return
    leaving = false
    seen.busy.clear()
  })
  for (const end of ['requestfinished', 'requestfailed'])
    page.on(end, (r) => {
      seen.busy.delete(r)
      seen.quiet = Date.now()
    })
  page.seen = seen
  const close = context.close.bind(context)
  context.close = async () => {
    const within = (what, ms) => Promise.race([what.then(() => true, () => true), new Promise((go) => setTimeout(() => go(false), ms))])
    if (!(await within(page.evaluate(() => 1), 30_000))) ok(false, 'a page that is left answers still', page.url())
    if (await within(close(), 30_000)) return
    console.log(`# the browser does not tell that a page was closed: ${page.url()}`)
    stuck.browser = true
  }
  return page
}

/** Until nothing is asked of the server any more and the page has been drawn since. Streams do not count. */
export async function settled(page, calm = 150) {
  const until = Date.now() + 20000 * patience
  for (;;) {
    const coming = await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn(!!document.querySelector('.register[aria-busy=true]'))))))
    const left = page.seen.busy.size ? calm : page.seen.quiet + calm - Date.now()
    if (!coming && !page.seen.busy.size && left <= 0) return
    if (Date.now() > until) throw new Error(`still busy after 20 s: ${[...page.seen.busy].map((r) => r.url()).join(' ')}`)
    await page.waitForTimeout(Math.max(20, left))
  }
}

const states = new Map()
/** Signs in through the sign-in screen, the first time; afterwards by the cookies of that. */
export async function signedIn(browser, login, options = {}) {
  let kept = states.get(login)
  // The server gives a session another cookie every 15 minutes: one that is kept here is not kept longer.
  if (!kept || Date.now() - kept.at > 600_000) {
    const page = await open(browser, options)
    page.seen.refused = (status, address) => status === 401 && address.endsWith('/session')
    await page.goto(`${url}/#/sign-in`)
    await signIn(page, login)
    kept = await page.context().storageState()
    states.set(login, { cookies: kept.cookies, origins: [], at: Date.now() })
    await page.context().close()
    kept = states.get(login)
  }
  return open(browser, { ...options, state: { cookies: kept.cookies, origins: [] } })
}
export function forget(login) {
  states.delete(login)
}
export async function signIn(page, login, password = people[login]) {
  await page.fill('#login', login)
  await page.fill('#password', password)
  await page.keyboard.press('Enter')
  await page.waitForSelector('#main')
}

/** Asks the server as the person of the page, beside the screen. */
export async function api(page, path, { method = 'GET', body, purpose } = {}) {
  return page.evaluate(
    async ([p, m, b, why]) => {
      const { csrf } = await (await fetch('/api/v1/session')).json()
      const got = await fetch(`/api/v1/${p}`, { method: m, headers: { 'Content-Type': 'application/json', 'Tocsin-CSRF': csrf, ...(why ? { 'Tocsin-Purpose': encodeURIComponent(why) } : {}) }, body: b === null ? undefined : JSON.stringify(b) })
      return got.status === 204 ? null : got.json()
    },
    [path, method, body ?? null, purpose ?? ''],
  )
}
/** So many jobs wait before the next one: what is asked for then is at work long enough to be stopped. */
export async function jobsBefore(page, job, many = 40) {
  await page.evaluate(
    async ([body, n]) => {
      const { csrf } = await (await fetch('/api/v1/session')).json()
      for (let i = 0; i < n; i++) void fetch('/api/v1/jobs', { method: 'POST', headers: { 'Content-Type': 'application/json', 'Tocsin-CSRF': csrf }, body }).then((answer) => answer.text())
    },
    [JSON.stringify(job), many],
  )
}
/** Pastes text into what stands at the selector, as from a spreadsheet. */
export async function paste(page, selector, text) {
  await page.locator(selector).first().focus()
  await page.evaluate(
    ([s, said]) => {
      const data = new DataTransfer()
      data.setData('text/plain', said)
      document.querySelector(s).dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
    },
    [selector, text],
  )
  await settled(page)
}
/** The server takes the next request to such an address, and its answer is lost on the way. */
export async function answerLost(page, address) {
  let lost = false
  await page.route(address, async (route) => {
    if (lost) return route.continue()
    lost = true
    await route.fetch()
    return route.abort('connectionreset')
  })
  return () => page.unroute(address)
}
/** The first answer from such an address stays away until it is let `come`; `asked` once it was asked for. */
export async function heldBack(page, address) {
  let first, go
  const asked = new Promise((yes) => (first = yes))
  const free = new Promise((yes) => (go = yes))
  let taken = false
  await page.route(address, async (route) => {
    if (taken) return route.continue()
    taken = true
    const answer = await route.fetch()
    first()
    await free
    return route.fulfill({ response: answer })
  })
  return {
    asked,
    async come() {
      const answer = page.waitForResponse(address)
      go()
      await (await answer).finished()
      await page.unroute(address)
    },
  }
}
/** Chooses from a list of Element Plus: what it is labelled, what is typed into it, what is chosen. */
export async function choose(page, id, typed, text) {
  await page.locator(`#${id}`).click()
  if (typed) await page.locator(`#${id}`).fill(typed)
  const one = page.locator('.el-select-dropdown__item:visible', { hasText: text }).first()
  await one.click()
}

/** Goes to a screen by its address and waits until it stands. */
export async function go(page, path) {
  await page.goto(`${url}/#${path}`)
  await page.waitForSelector('#main h1, #login', { timeout: 20000 * patience })
  await settled(page)
}

/** Says a purpose where the screen asks for one before it opens anything sealed. */
export async function purposeGiven(page) {
  const asked = page.locator('.el-dialog:visible:not(:has(#again-password)) input')
  if (!(await asked.count())) return
  await asked.first().fill('流行病学调查')
  await page.keyboard.press('Enter')
  await settled(page)
}

/** What has the focus, in words; empty when nothing has. */
export const focused = (page) =>
  page.evaluate(() => {
    const e = document.activeElement
    if (!e || e === document.body || !e.checkVisibility()) return ''
    return `${e.tagName.toLowerCase()}${e.id ? `#${e.id}` : ''} ${(e.getAttribute('aria-label') ?? e.getAttribute('placeholder') ?? e.textContent ?? '').trim().slice(0, 40)}`
  })

// ---- what holds on every screen
/** Faults of accessibility that are serious or critical, of the page or of a part of it. */
export async function axeFaults(page, part = null) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe)
  const found = await page.evaluate(async (within) => {
    const got = await window.axe.run(within ?? document, { resultTypes: ['violations'] })
    return got.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => `${v.impact} ${v.id}: ${v.help}\n    ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} ${n.html.slice(0, 160)} ${(n.any[0]?.message ?? n.all[0]?.message ?? '').slice(0, 160)}`).join('\n    ')}`)
  }, part)
  return found
}
/** Nothing stands out of the page to the right, unless it can be scrolled by itself, which on a phone no table may; no column is cut by what it stands in, and the tab that is open is in sight. */
export async function overflow(page) {
  return page.evaluate(() => {
    const wide = document.documentElement.clientWidth
    const out = []
    for (const cell of document.querySelectorAll('#app :is(th, td)')) {
      if (!cell.checkVisibility() || !cell.getBoundingClientRect().width) continue
      for (let e = cell.parentElement; e && e !== document.body; e = e.parentElement) {
        const way = getComputedStyle(e).overflowX
        if (way === 'auto' || way === 'scroll') break
        const [right, end] = [cell.getBoundingClientRect().right, e.getBoundingClientRect().right]
        if (way !== 'visible' && right > end + 2) out.push(`${cell.tagName.toLowerCase()}.${cell.className} "${cell.textContent.trim().slice(0, 20)}" ends at ${Math.round(right)}, cut at ${Math.round(end)} by ${e.className}`)
      }
    }
    for (const table of document.querySelectorAll('#app table:not([role=grid])')) {
      const e = table.closest('.scroll') ?? table.parentElement
      if (wide < 480 && table.checkVisibility() && e.scrollWidth > e.clientWidth + 1) out.push(`a table is ${e.scrollWidth} wide where ${e.clientWidth} are: ${table.textContent.trim().slice(0, 30)}`)
    }
    for (const here of document.querySelectorAll('nav.tabs .here')) {
      const [of, box] = [here.parentElement.getBoundingClientRect(), here.getBoundingClientRect()]
      if (box.width && (box.right > of.right + 2 || box.left < of.left - 2)) out.push(`the open tab "${here.textContent}" is out of sight`)
    }
    if (document.documentElement.scrollWidth <= wide) return out.slice(0, 6)
    for (const e of document.querySelectorAll('body *')) {
      const box = e.getBoundingClientRect()
      if (box.right > wide + 1 && box.width > 0) out.push(`${e.tagName.toLowerCase()}.${e.className} ends at ${Math.round(box.right)} of ${wide}`)
    }
    return out.slice(0, 6)
  })
}
/** Small charts among figures (parts/small-plots.vue) of which nothing is drawn where they belong, and drawings that are not ECharts'. Runs in the page; also while it is put on paper. */
export function undrawn() {
  const own = [...document.querySelectorAll('#app svg, #app canvas')].filter((e) => e.checkVisibility() && !e.closest('.el-icon, [_echarts_instance_]') && !e.closest('[class*=el-]'))
  const out = own.map((e) => `${e.tagName} of ${e.parentElement.className} is not drawn by ECharts`)
  for (const box of document.querySelectorAll('.plots')) {
    const places = [...box.querySelectorAll('[data-plot]')].filter((e) => e.closest('.plots') === box && e.checkVisibility() && e.getBoundingClientRect().width)
    if (!places.length) continue
    const canvas = box.querySelector('.over canvas')
    if (!canvas) {
      out.push(`nothing is drawn over ${box.innerText.slice(0, 40)}`)
      continue
    }
    const at = canvas.getBoundingClientRect()
    const dots = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })
    dots.drawImage(canvas, 0, 0)
    const drawn = places.filter((e) => {
      const p = e.getBoundingClientRect()
      const k = canvas.width / at.width
      const [x, y, w, h] = [(p.left - at.left) * k, (p.top - at.top) * k, p.width * k, p.height * k].map(Math.round)
      return dots.getImageData(x, y, Math.max(1, w), Math.max(1, h)).data.some((v, i) => i % 4 === 3 && v > 60)
    })
    if (!drawn.length) out.push(`${places.length} places and nothing drawn in any: ${box.innerText.slice(0, 40)}`)
  }
  return out
}
/** Words drawn smaller than so many pixels: what did not grow with the rest on a large screen. */
export async function tiny(page, pixels, within = '#app') {
  return page.evaluate(([least, root]) => {
    const out = []
    for (const e of document.querySelectorAll(`${root} *`)) {
      if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue
      const drawn = parseFloat(getComputedStyle(e).fontSize) * (e.currentCSSZoom ?? 1)
      if (drawn < least) out.push(`${e.tagName.toLowerCase()}.${e.className} "${e.textContent.trim().slice(0, 30)}": ${drawn.toFixed(1)} px`)
    }
    return out.slice(0, 6)
  }, [pixels, within])
}
/** Texts that stand in neither language's file: a key instead of its text anywhere; in English, Chinese in what the console itself says. */
export async function unspoken(page, lang) {
  const text = await page.evaluate(() => document.body.innerText)
  const out = []
  const key = keys.exec(text.replace(/\S*[/@]\S*/g, ''))
  if (key) out.push(`a key stands where its text should: ${key[0]}`)
  if (/\bundefined\b|\bNaN\b|\[object Object\]|\bnull\b/.test(text)) out.push(/.{0,40}(\bundefined\b|\bNaN\b|\[object Object\]|\bnull\b).{0,40}/.exec(text)[0])
  if (lang === 'en') {
    const said = await page.evaluate(() => {
      const own = 'button, label, legend, th[scope=col], h2, nav a, .el-tag, dt, summary, [placeholder], [aria-label], [title], [role=columnheader]'
      // what people have said, inside what the console says, is left out
      const text = (e) => [...e.querySelectorAll('[data-said]')].reduce((all, said) => all.replace(said.innerText, ''), e.innerText)
      return [...document.querySelectorAll(own)]
        .filter((e) => e.checkVisibility?.() !== false && !e.closest('[data-said]'))
        .flatMap((e) => [e.matches('button, label, legend, th[scope=col], h2, nav a, .el-tag, dt, summary, [role=columnheader]') ? text(e) : '', e.getAttribute('placeholder'), e.matches('[role=gridcell], td, td *') ? '' : e.getAttribute('title'), e.getAttribute('aria-label')])
        .filter((s) => s && /[\u4e00-\u9fff]/.test(s))
    })
    for (const s of new Set(said)) if (!/^(警钟 Tocsin|中|中文|(中 · )?切换到中文)$/.test(s.trim())) out.push(`Chinese in English: ${s.slice(0, 60)}`)
  }
  return out
}
export async function picture(page, name) {
  await page.screenshot({ path: `${pictures}/${name}.png` })
}
