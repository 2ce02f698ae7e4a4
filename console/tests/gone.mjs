// What is said next to every code of refusal of the API, what takes long stopped, and what every screen makes of a server that is gone, of a session that has ended, and of somebody who may not.
import { readFileSync } from 'node:fs'

import { api, choose, focused, forget, go, jobsBefore, must, paste, people, purposeGiven, settled, signedIn, test, url } from './house.mjs'
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

/** The answer to the first of several requests comes, none to those after it; gives it back. */
async function onlyFirst(page, address) {
  let n = 0
  const held = (route) => (n++ ? undefined : route.continue())
  await page.route(address, held)
  return () => page.unroute(address, held)
}

/** What goes in parts stops between them: the parts that were sent stay, the rest is there to be sent. */
async function inParts(browser) {
  let page = await signedIn(browser, 'demo-intake')
  await test('a selection of more than a hundred duties says how far it is, is stopped, and the rest stays selected', async () => {
    await go(page, '/work?unit=all')
    await page.locator('thead input[type=checkbox]').check()
    const count = async () => Number(/\d+/.exec(await page.locator('.bulk strong').innerText())[0])
    const before = await count()
    must(before > 100, `${before} duties are too few`)
    const dialog = page.locator('.el-dialog', { hasText: '移交' })
    await page.locator('.bulk').getByRole('button', { name: /移交/ }).click()
    const title = (await api(page, 'registers/organisation/records?limit=1&fields=title')).rows[0].fields.title
    await choose(page, 'hand-to', title.slice(0, 4), title)
    await page.fill('#hand-why', '整班交接')
    const again = await onlyFirst(page, '**/obligations/handover')
    await dialog.getByRole('button', { name: /^移交/ }).click()
    await dialog.locator('[role=status]', { hasText: `100 / ${before}` }).waitFor()
    await dialog.getByRole('button', { name: '停止' }).click()
    await dialog.locator('[role=status]', { hasText: `${before - 100} 项未送出` }).waitFor()
    must((await dialog.locator('.results li').count()) === 100, await dialog.locator('.results').innerText())
    const paid = await dialog.locator('.results .ok').count()
    await again()
    await dialog.getByRole('button', { name: '完成' }).click()
    await settled(page)
    must((await count()) === before - paid, `${await count()} of ${before} are selected, ${paid} were handed over`)
    must(!page.seen.faults.length, page.seen.faults.join('\n'))
  }, page)
  await page.context().close()
  page = await signedIn(browser, 'demo-tester')
  await test('a paste of 700 rows says how far it is, is stopped, and the rest is saved when it is asked for', async () => {
    const saved = async () => (await Promise.all([0, 1].map((n) => api(page, `registers/water_sample/records?limit=500&fields=well&well=${encodeURIComponent(`慢井${n}*`)}`)))).flatMap((got) => got.rows).length
    await go(page, '/registers/water_sample')
    await paste(page, '.grid', ['井号\t采样时间', ...Array.from({ length: 700 }, (_, i) => `慢井${i % 2}-${i}\t2022-05-28`)].join('\n'))
    const many = page.locator('.many')
    const told = many.locator('[role=status]')
    const again = await onlyFirst(page, '**/records/batch')
    await many.getByRole('button', { name: '保存', exact: true }).click()
    await told.filter({ hasText: '已处理 500 / 700' }).waitFor()
    await many.getByRole('button', { name: '停止' }).click()
    await told.filter({ hasText: '已停止' }).waitFor()
    must((await saved()) === 500, `${await saved()} rows are saved`)
    await again()
    await many.getByRole('button', { name: '保存', exact: true }).click()
    await told.filter({ hasText: '已保存 200' }).waitFor()
    must((await saved()) === 700, `${await saved()} rows are saved`)
    must(!page.seen.faults.length, page.seen.faults.join('\n'))
  }, page)
  await page.context().close()
  page = await signedIn(browser, 'demo-auditor')
  await test('the proof of the journal says how far it is, is stopped, and is whole when it is let run', async () => {
    await go(page, '/admin?part=journal')
    const prove = page.getByRole('button', { name: '校验流水' })
    const told = page.locator('[role=status].faint, [role=status].good')
    const over = told.filter({ hasText: /^已停止|完整/ })
    // where the forty before it are done sooner than one can press a button, once more
    for (let i = 0; i < 5 && !(await told.filter({ hasText: '已停止' }).count()); i++) {
      await jobsBefore(page, { kind: 'audit', step: 'verify', params: {} })
      await prove.click()
      await page.getByRole('button', { name: '停止' }).click({ timeout: 5000 }).catch(() => {})
      await over.waitFor()
    }
    must(/^已停止/.test(await told.innerText()), await told.innerText())
    await prove.click()
    await told.filter({ hasText: '完整' }).waitFor()
    must(!page.seen.faults.length, page.seen.faults.join('\n'))
  }, page)
  await page.context().close()
}

export async function walk(browser) {
  await saysNext(browser)
  await stopped(browser)
  await inParts(browser)
  await everyScreen(browser)
}
