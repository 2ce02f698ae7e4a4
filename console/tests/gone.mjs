// What is said next to every code of refusal of the API, what takes long stopped, and what every screen makes of a server that is gone, of a session that has ended, and of somebody who may not.
import { readFileSync } from 'node:fs'

import { focused, forget, go, must, people, purposeGiven, settled, signedIn, test, url } from './house.mjs'
import { examples, filled, lookers, routes } from './screens.mjs'

const words = (lang) => JSON.parse(readFileSync(new URL(`../src/i18n/${lang}/problem.json`, import.meta.url), 'utf8')).next
const codes = [...readFileSync(new URL('../../src/base/error.h', import.meta.url), 'utf8').matchAll(/^\s+X\((\w+), -\d+, \d+, (\d+),/gm)].map((m) => ({ code: m[1], status: Number(m[2]) }))

async function saysNext(browser) {
  for (const lang of ['zh', 'en']) {
    const page = await signedIn(browser, 'demo-command', { lang })
    page.seen.refused = () => true
    const next = words(lang)
    await test(`${codes.length} codes of refusal: what to do next, ${lang}`, async () => {
      must(codes.length >= 19, JSON.stringify(codes))
      let now
      await page.route('**/api/v1/policies', (route) => route.fulfill({ status: now.status, contentType: 'application/problem+json', body: JSON.stringify({ code: now.code, status: now.status, title: now.code, detail: `because ${now.code}`, request_id: 'abc123' }) }))
      for (now of codes.filter((c) => c.code !== 'SIGN_IN')) {
        const note = page.locator('[role=alert]').first()
        if (await note.count()) await note.getByRole('button').click()
        else await go(page, '/policies')
        await page.locator('[role=alert]', { hasText: `because ${now.code}` }).waitFor()
        const said = await note.innerText()
        for (const part of [next[now.code.toLowerCase()], 'abc123']) must(part && said.includes(part), `${now.code}: "${said}" says not "${part}"`)
      }
    }, page)
    await page.context().close()
  }
}

/** A page that has asked for nothing yet but what the frame asks: what is kept from before shows without a server. */
const anew = (page) => page.goto('about:blank').then(() => go(page, '/no/such/place'))
/** Texts of the screen without its frame. */
const body = (page) => page.locator('#main').innerText()

async function everyScreen(browser) {
  forget('demo-guest')
  const guest = await signedIn(browser, 'demo-guest')
  guest.seen.refused = (status) => [403, 404].includes(status)
  const scout = await signedIn(browser, 'demo-command')
  await go(scout, '/registers')
  const has = await examples(scout)
  await scout.context().close()
  const pages = new Map()
  for (const { path, name } of routes().filter((r) => r.name !== 'sign-in')) {
    const login = (lookers[name] ?? ['demo-command'])[0]
    if (!pages.has(login)) {
      forget(login) // its session ends here, that of other walks does not
      pages.set(login, await signedIn(browser, login))
      forget(login)
    }
    const page = pages.get(login)
    page.seen.refused = (status) => [0, 401].includes(status)
    const where = filled(path, has)
    await test(`${name}: the server is gone, says so, and is asked again by a button`, async () => {
      await anew(page)
      const cut = (route) => (/\/session$|\/events/.test(route.request().url()) ? route.continue() : route.abort('connectionrefused'))
      const notes = page.locator('#main [role=alert]')
      await page.route('**/api/v1/**', cut)
      try {
        await page.evaluate((to) => (location.hash = `#${to}`), where)
        await settled(page)
        await purposeGiven(page)
        await notes.first().waitFor()
        await settled(page)
        must((await notes.first().innerText()).includes('网络'), await body(page))
      } finally {
        await page.unroute('**/api/v1/**', cut)
      }
      await notes.getByRole('button', { name: '重试' }).first().focus()
      await page.keyboard.press('Enter')
      await notes.first().waitFor({ state: 'detached' })
      await settled(page)
      must(await focused(page), 'the focus is lost with the button')
    }, page)
    await test(`${name}: the session has ended, is taken up again on top of it, and the screen stands`, async () => {
      await anew(page)
      await page.context().clearCookies()
      await page.evaluate((to) => (location.hash = `#${to}`), where)
      await settled(page)
      await purposeGiven(page)
      await page.locator('#again-password').waitFor()
      await page.fill('#again-password', people[login])
      await page.keyboard.press('Enter')
      await page.locator('#again-password').waitFor({ state: 'detached' })
      await settled(page)
      await purposeGiven(page)
      must(page.url().includes(where.split('?')[0]), page.url())
      must((await body(page)).length > 20 && !(await page.locator('#main [role=alert]').count()), await body(page))
      must(!page.seen.faults.length, page.seen.faults.splice(0).join('\n'))
    }, page)
    await test(`${name}: somebody who may not is told, or sees what he may`, async () => {
      await guest.goto(`${url}/#${where}`)
      await guest.waitForSelector('#main')
      await settled(guest)
      must((await body(guest)).trim().length > 20, `nothing is said: "${await body(guest)}"`)
      must(!guest.seen.faults.length, guest.seen.faults.splice(0).join('\n'))
    }, guest)
  }
  for (const page of pages.values()) await page.context().close()
  await guest.context().close()
}

/** What takes long is told while it lasts, and stopped by one who does not want to wait; nothing is said to be wrong then. */
async function stopped(browser) {
  for (const { name, login, path, held, begin } of [
    { name: 'an export', login: 'demo-isolator', path: '/registers/place', held: /[?&]format=/, begin: (page) => page.getByRole('button', { name: '导出', exact: true }).click().then(() => page.locator('.el-dropdown-menu__item:visible').first().click()) },
    { name: 'a file on its way up', login: 'demo-intake', path: '/import', held: /\/imports$/, begin: (page) => page.setInputFiles('.drop input', { name: 'places.csv', mimeType: 'text/csv', buffer: Buffer.from('名称\n慢楼\n') }) },
  ]) {
    const page = await signedIn(browser, login)
    await test(`${name} is told while it lasts, and can be stopped`, async () => {
      await go(page, path)
      await page.route(held, () => {}) // no answer comes
      await begin(page)
      const told = page.locator('[role=status]', { has: page.getByRole('button', { name: '停止' }) })
      await told.waitFor()
      await told.getByRole('button').click()
      await told.waitFor({ state: 'detached' })
      must(!(await page.locator('[role=alert]').count()) && !page.seen.faults.length, `${await page.locator('#main').innerText()}\n${page.seen.faults.join('\n')}`)
    }, page)
    await page.context().close()
  }
}

export async function walk(browser) {
  await saysNext(browser)
  await stopped(browser)
  await everyScreen(browser)
}
