// What is refused, and what the console makes of it: a password, a screen of another role, a session that ends while somebody types, somebody who was
// faster, a server that is gone and comes back. Nothing that was typed is lost in any of them.
import { execFileSync } from 'node:child_process'

import { answerLost, api, forget, go, must, open, patience, people, settled, signIn, signedIn, test, url } from './house.mjs'

const server = (what) => execFileSync(process.env.TOCSIN_SERVER, [what], { stdio: 'inherit' })
const place = '/registers/place'

/** The form of a new place, with a title typed. */
async function typing(page, title) {
  await go(page, place)
  await page.getByRole('button', { name: '新增' }).click()
  await page.fill('#field-title', title)
}
async function save(page) {
  await page.getByRole('button', { name: '保存', exact: true }).last().click()
}

async function strangers(browser) {
  const page = await open(browser)
  page.seen.refused = (status, address) => status === 401 && address.endsWith('/session')
  await test('a wrong password is refused in words, and what was typed as login stays', async () => {
    await page.goto(`${url}/#/admin`)
    await page.fill('#login', 'demo-guest')
    await page.fill('#password', 'not this one at all')
    await page.keyboard.press('Enter')
    await page.waitForSelector('[role=alert]')
    must((await page.inputValue('#login')) === 'demo-guest', 'the login is gone')
  }, page)
  await test('who signs in comes to where he wanted to go, and is told there when that is not his', async () => {
    await signIn(page, 'demo-guest')
    await settled(page)
    must(page.url().endsWith('#/admin'), page.url())
    must(!(await page.locator('nav a[href="#/admin"]').count()), 'the menu shows administration to a guest')
    must(await page.locator('[role=alert]').count(), 'nothing says that this is not for a guest')
    must(!(await page.locator('table td').count()), 'a guest sees accounts')
  }, page)
  await page.context().close()
}

async function anotherRole(browser) {
  let page = await signedIn(browser, 'demo-auditor')
  await test('a register that one may only read has no button that writes', async () => {
    await go(page, place)
    must(!(await page.getByRole('button', { name: '新增' }).count()), 'an auditor is offered to write')
    must(!page.seen.faults.length, page.seen.faults.join('\n'))
  }, page)
  await page.context().close()
  page = await signedIn(browser, 'demo-guest')
  await test('what one may not, and why not, stands on the page about oneself', async () => {
    await go(page, '/me')
    must((await page.locator('#main').innerText()).length > 400, 'no reasons')
    must(!page.seen.faults.length, page.seen.faults.join('\n'))
  }, page)
  await page.context().close()
}

async function expiry(browser) {
  forget('demo-isolator')
  const page = await signedIn(browser, 'demo-isolator')
  forget('demo-isolator')
  page.seen.refused = (status) => status === 401
  await test('a session that ends while somebody types: the form stays, and is saved after signing in again', async () => {
    await typing(page, '九号楼')
    await page.context().clearCookies()
    await save(page)
    await page.waitForSelector('#again-password')
    await page.fill('#again-password', people['demo-isolator'])
    await page.keyboard.press('Enter')
    await page.waitForURL(/#\/registers\/place\/\d+/)
    await settled(page)
    must((await page.locator('#main').innerText()).includes('九号楼'), 'it was not saved')
  }, page)
  await test('a wrong password there is refused, and another person gets another screen', async () => {
    await page.context().clearCookies()
    await page.evaluate(() => (location.hash = '#/registers/test'))
    await page.waitForSelector('#again-password')
    await page.fill('#again-password', 'not this one at all')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.el-dialog [role=alert]')
    await page.getByRole('button', { name: '换账户登录' }).click()
    await page.waitForSelector('#login')
  }, page)
  await page.context().close()
}

async function reload(browser) {
  const page = await signedIn(browser, 'demo-isolator')
  await test('what was typed is there again after a reload, and gone after signing out', async () => {
    await typing(page, '十号楼')
    await page.reload()
    await page.waitForSelector('#main h1')
    await settled(page)
    await page.getByRole('button', { name: '新增' }).click()
    must((await page.inputValue('#field-title')) === '十号楼', 'it is gone after a reload')
    must((await page.evaluate(() => Object.keys(sessionStorage).length)) > 0, 'it was not kept')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: '退出登录' }).click()
    await page.waitForSelector('#login')
    must((await page.evaluate(() => JSON.stringify(sessionStorage))).indexOf('十号楼') < 0, 'it is still there for the next one')
  }, page)
  await page.context().close()
  forget('demo-isolator')
}

/** The server takes a new record, and its answer is lost: saved again, also after a reload, it is the same record. */
async function lost(browser) {
  const page = await signedIn(browser, 'demo-isolator')
  page.seen.refused = (status) => status === 0
  await test('a form whose answer was lost is saved again and makes nothing twice', async () => {
    const called = async () => (await api(page, `registers/place/records?title=${encodeURIComponent('十二号楼')}`)).rows.length
    await typing(page, '十二号楼')
    const stop = await answerLost(page, '**/registers/place/records')
    await save(page)
    await page.waitForSelector('.form [role=alert]')
    await stop()
    await page.reload()
    await settled(page)
    must((await called()) === 1, 'the server did not take it')
    await page.getByRole('button', { name: '新增' }).click()
    must((await page.inputValue('#field-title')) === '十二号楼', 'it is gone')
    await save(page)
    await page.waitForURL(/#\/registers\/place\/\d+/)
    must((await called()) === 1, 'it is there twice')
  }, page)
  await page.context().close()
}

/** Two people change one record: the second is shown both versions and saves a merge. */
async function conflict(browser) {
  const page = await signedIn(browser, 'demo-isolator')
  page.seen.refused = (status) => status === 412
  await test('who was slower sees both versions cell by cell; nothing of either is lost', async () => {
    await go(page, place)
    const region = await page.evaluate(async () => (await (await fetch('/api/v1/registers/place/records?limit=1')).json()).rows[0].region)
    const made = await api(page, 'registers/place/records', { method: 'POST', body: { region, fields: { title: '甲' } } })
    must(made.id, JSON.stringify(made))
    await go(page, `${place}/${made.id}`)
    await page.getByRole('button', { name: '修改' }).click()
    await page.fill('#field-title', '乙')
    await api(page, `registers/place/records/${made.id}`, { method: 'PATCH', body: { fields: { title: '丙', capacity: 40 } } })
    await save(page)
    await page.waitForSelector('.clash')
    const table = await page.locator('.clash').innerText()
    must(table.includes('乙') && table.includes('丙'), table)
    await page.getByRole('button', { name: /合并/ }).click()
    await page.waitForSelector('.clash', { state: 'detached' })
    await settled(page)
    const now = await api(page, `registers/place/records/${made.id}`)
    must(now.fields.title === '乙' && now.fields.capacity === 40 && now.version === 3, JSON.stringify(now))
  }, page)
  await page.context().close()
}

async function away(browser) {
  const page = await signedIn(browser, 'demo-isolator')
  page.seen.refused = () => true
  await test('the server goes: a band says so, and what is typed stays', async () => {
    await typing(page, '十一号楼')
    server('stop')
    await page.waitForSelector('.away', { timeout: 15000 * patience })
    await save(page)
    await page.waitForSelector('.form [role=alert]')
    must((await page.inputValue('#field-title')) === '十一号楼', 'it is gone')
  }, page)
  await test('it comes back: the band goes by itself, and the same button saves', async () => {
    server('start')
    await page.waitForSelector('.away', { state: 'detached', timeout: 30000 * patience })
    await save(page)
    await page.waitForURL(/#\/registers\/place\/\d+/)
  }, page)
  await page.context().close()
}

/** A server of another edition has other scripts; one that was away had none. */
async function scriptless(browser) {
  const page = await signedIn(browser, 'demo-isolator')
  page.seen.refused = () => true
  await go(page, place)
  await test('a screen whose script does not come is come to all the same', async () => {
    let begun = 0 // documents begun; the second one does without the script as well
    page.on('request', (r) => void (begun += Number(r.isNavigationRequest())))
    await page.route(/assets\/record-[\w-]{8}\.js$/, (r) => (begun > 1 ? r.continue() : r.abort()))
    await page.locator('.grid a').first().click()
    await page.waitForURL(/#\/registers\/place\/\d+/)
    await page.waitForSelector('main h1')
    must(begun === 2, `begun anew ${begun} times`)
  }, page)
  await page.context().close()
}

export async function walk(browser) {
  for (const part of [strangers, anotherRole, expiry, reload, lost, conflict, scriptless]) await part(browser)
  if (process.env.TOCSIN_SERVER) await away(browser)
}
