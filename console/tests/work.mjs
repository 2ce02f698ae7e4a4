// What is owed, worked: a duty handed over with its reason, one and many; acts by one key; what was sent and not answered makes nothing twice; what is typed
// stays after a refusal, an expiry and a reload.
import { answerLost, api, axeFaults, choose, forget, go, must, people, picture, settled, signedIn, test } from './house.mjs'

const row = (page, i) => page.locator(`#duty-${i}`)
const owner = (page, i) => row(page, i).locator('.owner').innerText()
async function chosen(page, list) {
  for (const i of list) await row(page, i).locator('input[type=checkbox]').check()
}
const hand = (page) => page.locator('.el-dialog', { hasText: '移交' })

/** Begins with what the own unit owes; the region is one press away, and a link that asks for something else says so itself. */
async function unit(browser) {
  const page = await signedIn(browser, 'demo-tracer')
  const pressed = () => page.locator('.whose [aria-pressed=true]').innerText()
  const figure = async (name) => Number((await page.locator('.counts button', { hasText: name }).locator('strong').innerText()).replace(/\D/g, ''))
  const { organisation } = await go(page, '/work').then(() => api(page, 'session'))
  const open = async (id) => (await api(page, `obligations/summary${id ? `?unit=${id}` : ''}`)).total.open
  await test('my work begins with what the own unit owes, and no more', async () => {
    must((await pressed()).includes('本单位') && (await pressed()).includes(organisation.title), await pressed())
    const { obligations } = await api(page, `obligations?unit=${organisation.id}&limit=1000`)
    must(obligations.length && obligations.every((d) => d.owner.id === organisation.id || d.owner.kind === 'person'), JSON.stringify(obligations.find((d) => d.owner.id !== organisation.id)))
    must((await open(organisation.id)) < (await open()) && (await figure('未办')) === (await open(organisation.id)), `${await figure('未办')} ${await open()}`)
    must((await page.locator('.duties tbody tr').count()) === Math.min(200, obligations.length), `${await page.locator('.duties tbody tr').count()} rows`)
    must(!(await page.locator('.counts', { hasText: '无主' }).count()), 'a unit owes what nobody owes')
  }, page)
  await test('the switch is kept in the address, beside a filter and after a reload', async () => {
    await page.locator('.counts button', { hasText: '逾期' }).click()
    await settled(page)
    must(page.url().includes(`unit=${organisation.id}`), page.url())
    await page.getByRole('button', { name: '全部辖区' }).click()
    await settled(page)
    must(page.url().includes('unit=all') && page.url().includes('overdue=true'), page.url())
    await page.locator('.counts button', { hasText: '未办' }).click()
    await page.reload()
    await settled(page)
    must((await pressed()) === '全部辖区' && (await figure('未办')) === (await open()), `${await pressed()} ${page.url()}`)
    await page.getByRole('button', { name: '本单位' }).click()
    await settled(page)
    must((await figure('未办')) === (await open(organisation.id)), 'not the unit again')
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    await picture(page, 'work-unit')
  }, page)
  await test('the unit of somebody else is named when a link asks for it', async () => {
    const other = (await api(page, 'obligations/owners')).owners.find((o) => o.id && o.kind !== 'person' && o.id !== organisation.id && o.open)
    await go(page, `/work?unit=${other.id}`)
    must((await pressed()) === other.title && (await figure('未办')) === (await open(other.id)), `${await pressed()} ${other.title}`)
    must((await page.locator('.whose button').count()) === 3, await page.locator('.whose').innerText())
  }, page)
  await test('whoever has no unit begins with the region, and is told', async () => {
    const command = await signedIn(browser, 'demo-command')
    await go(command, '/work')
    must(!(await command.locator('.whose').count()) && (await command.locator('.page-head').innerText()).includes('账户未设所属单位'), await command.locator('.page-head').innerText())
    await command.context().close()
  }, page)
  await test('nothing was in the log of the unit', async () => must(!page.seen.faults.length, page.seen.faults.join('\n')))
  await page.context().close()
}

async function handing(browser, page) {
  let title = ''
  /** Who owes it, and whether it was handed to him, as the server says. */
  const owing = async (to, rule) => {
    const [, register, id] = to.split('/').slice(-3)
    return (await api(page, `registers/${register}/records/${id}/obligations`)).obligations.filter((d) => d.state === 'open' && (!rule || d.title === rule)).map((d) => `${d.handed} ${d.owner.title}`)
  }
  const told = (i) => Promise.all([row(page, i).locator('a').getAttribute('href'), row(page, i).locator('.title').innerText()])
  await test('a duty is handed over by one key, with a reason, to an organisation found by its name', async () => {
    await go(page, '/work?register=contact')
    await page.keyboard.press('j')
    await page.keyboard.press('k')
    const duty = await told(0)
    await page.keyboard.press('h')
    const go_ = hand(page).getByRole('button', { name: /^移交/ })
    must(await go_.isDisabled(), 'without a reason it can be sent')
    title = (await api(page, 'registers/organisation/records?limit=3&fields=title')).rows[2].fields.title
    await choose(page, 'hand-to', title.slice(0, 4), title)
    await page.fill('#hand-why', '本组人手不足')
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    await picture(page, 'handover')
    await go_.click()
    await hand(page).locator('.results .ok').waitFor()
    await hand(page).getByRole('button', { name: '完成' }).click()
    await settled(page)
    must((await owner(page, 0)).includes(title) && (await owner(page, 0)).includes('已移交'), await owner(page, 0))
    must((await owing(...duty)).join() === `true ${title}`, `the server says ${await owing(...duty)}`)
  }, page)
  await test('the reason stands in the journal', async () => {
    const auditor = await signedIn(browser, 'demo-auditor')
    await go(auditor, '/admin')
    await auditor.getByText('本组人手不足').first().waitFor()
    await auditor.context().close()
  }, page)
  await test('a selection is handed over: a result for each, and what was typed is there again after a reload', async () => {
    await go(page, '/work?register=stay')
    if ((await page.locator('.duties tbody tr').count()) < 3) await go(page, '/work')
    await chosen(page, [0, 1, 2])
    await page.locator('.bulk').getByRole('button', { name: /移交/ }).click()
    await page.fill('#hand-why', '夜班交接')
    await page.reload()
    await settled(page)
    await chosen(page, [0, 1, 2])
    const duties = await Promise.all([0, 1, 2].map(told))
    await page.locator('.bulk').getByRole('button', { name: /移交/ }).click()
    must((await page.inputValue('#hand-why')) === '夜班交接', 'the reason is gone')
    await choose(page, 'hand-to', title.slice(0, 4), title)
    await hand(page).getByRole('button', { name: /^移交/ }).click()
    await hand(page).locator('.results').waitFor()
    await settled(page)
    must((await hand(page).locator('.results .ok').count()) === 3, await hand(page).locator('.results').innerText())
    for (const duty of duties) must((await owing(...duty)).every((said) => said === `true ${title}`), `the server says ${await owing(...duty)}`)
    await hand(page).getByRole('button', { name: '完成' }).click()
  }, page)
}

async function twice(page) {
  await test('a test whose answer was lost is sent again and recorded once, also after a reload', async () => {
    await go(page, '/work?register=contact')
    const of = await row(page, 0).locator('a').getAttribute('href')
    const record = await api(page, `registers/contact/records/${of.split('/').pop()}`)
    const tests = async () => (await api(page, `registers/test/records?person=${record.fields.person}&limit=500`)).rows.length
    const before = await tests()
    await row(page, 0).focus()
    await page.keyboard.press('t')
    await page.locator('.el-dialog #field-tube').fill('T-0001')
    const stop = await answerLost(page, '**/registers/test/records/batch')
    await page.locator('.el-dialog').getByRole('button', { name: /^登记检测/ }).click()
    await page.locator('.el-dialog [role=alert]').waitFor()
    must((await page.inputValue('#field-tube')) === 'T-0001', 'it is gone')
    must((await tests()) === before + 1, 'the server did not take it')
    await stop()
    await page.reload()
    await settled(page)
    await row(page, 0).focus()
    await page.keyboard.press('t')
    must((await page.inputValue('#field-tube')) === 'T-0001', 'it is gone after a reload')
    await page.waitForTimeout(100)
    await page.locator('.el-dialog').getByRole('button', { name: /^登记检测/ }).click()
    await page.locator('.el-dialog .results .ok').waitFor()
    must((await tests()) === before + 1, `${await tests()} tests where ${before + 1} should be`)
    await page.locator('.el-dialog').getByRole('button', { name: '完成' }).click()
  }, page)
}

async function five(page) {
  await test('the five duties to somebody isolated are told done by one key, and owed no longer', async () => {
    await go(page, '/work?rule=five-duties')
    const of = await row(page, 0).locator('a').getAttribute('href')
    await row(page, 0).focus()
    await page.keyboard.press('f')
    await page.locator('#field-complete_at').waitFor()
    await page.locator('.el-dialog').getByRole('button', { name: /^五个到位/ }).click()
    await page.locator('.el-dialog .results .ok').waitFor()
    await page.locator('.el-dialog').getByRole('button', { name: '完成' }).click()
    const owed = await api(page, `registers/stay/records/${of.split('/').pop()}/obligations`)
    const one = (owed.rows ?? owed.obligations ?? owed).filter((d) => d.rule === 'five-duties')
    must(one.length === 1 && one[0].state === 'paid', JSON.stringify(one))
  }, page)
}

async function expired(browser) {
  forget('demo-intake')
  const page = await signedIn(browser, 'demo-intake')
  forget('demo-intake')
  page.seen.refused = (status) => status === 401
  await test('a session that ends before an act is sent: signed in again on top of it, and it goes on', async () => {
    await go(page, '/work?register=contact')
    await row(page, 0).focus()
    await page.keyboard.press('h')
    const title = (await api(page, 'registers/organisation/records?limit=3&fields=title')).rows[1].fields.title
    await choose(page, 'hand-to', title.slice(0, 4), title)
    await page.fill('#hand-why', '换班')
    await page.context().clearCookies()
    // The stream of events may have found it out first, and the dialog of signing in stand over the button.
    await hand(page).getByRole('button', { name: /^移交/ }).dispatchEvent('click')
    await page.fill('#again-password', people['demo-intake'])
    await page.keyboard.press('Enter')
    await hand(page).locator('.results .ok').waitFor()
  }, page)
  await page.context().close()
}

async function phone(browser) {
  const page = await signedIn(browser, 'demo-intake', { width: 360, height: 740 })
  await test('on a phone the list has the page until a duty is pressed; what stands beside that is closed again', async () => {
    const side = page.locator('aside.side')
    await go(page, '/work?unit=all')
    await row(page, 1).waitFor()
    must(!(await side.isVisible()), 'it lies over the list from the start')
    await row(page, 1).locator('.left').click()
    await side.waitFor()
    await side.getByRole('button', { name: '关闭' }).click()
    await side.waitFor({ state: 'hidden' })
  }, page)
  await page.context().close()
}

export async function walk(browser) {
  const page = await signedIn(browser, 'demo-intake')
  page.seen.refused = (status) => status === 0
  await handing(browser, page)
  await twice(page)
  await five(page)
  await test('nothing was in the log', async () => must(!page.seen.faults.length, page.seen.faults.join('\n')))
  await page.context().close()
  await phone(browser)
  await expired(browser)
  await unit(browser)
}
