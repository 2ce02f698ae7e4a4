// A day's report on its way to the public: frozen, approved by two who are not the same, published, its public version with suppressed cells and its PDF; refused
// out of turn, sent back with a comment that survives a reload.

import { axeFaults, go, must, people, picture, settled, signedIn, test, url } from './house.mjs'
import { login, made } from './people.mjs'

const day = '/reports?day=2022-05-30'
const step = (page, name) => page.getByRole('button', { name, exact: true })
async function pdf(page, version) {
  const got = await page.evaluate(async (a) => {
    const answer = await fetch(a)
    return { status: answer.status, type: answer.headers.get('Content-Type'), head: (await answer.text()).slice(0, 5) }
  }, `/api/v1/reports/2022-05-30?format=pdf&version=${version}`)
  must(got.status === 200 && got.type.startsWith('application/pdf') && got.head === '%PDF-', JSON.stringify(got))
}

async function approving(browser) {
  let page = await signedIn(browser, 'demo-reporter')
  await test('who wrote the report may not approve it, and is told so', async () => {
    await go(page, day)
    must(await step(page, '初审通过').isDisabled(), 'a reporter may approve')
    must((await page.locator('.steps').innerText()).length > 12, 'nobody says why not')
    must(!page.seen.faults.length, page.seen.faults.join('\n'))
  }, page)
  await page.context().close()
  page = await signedIn(browser, 'demo-approver')
  page.seen.refused = (status) => status === 409 || status === 404
  await test('the public version is not there before two have approved', async () => {
    await go(page, `${day}&version=public`)
    must(await page.locator('.el-empty').count(), 'there is a public version')
  }, page)
  await test('first approval with a comment, which survives a reload; the same person is not the second', async () => {
    await go(page, day)
    await page.fill('#report-comment', '数字已与流调组核对')
    await page.reload()
    await settled(page)
    must((await page.inputValue('#report-comment')) === '数字已与流调组核对', 'the comment is gone')
    await step(page, '初审通过').click()
    await step(page, '终审通过').waitFor()
    await settled(page)
    must(await step(page, '终审通过').isDisabled(), 'one person may approve twice')
    must((await page.inputValue('#report-comment')) === '', 'the comment is still there')
    await page.fill('#report-comment', '第二句')
    await page.reload()
    await settled(page)
    must((await page.inputValue('#report-comment')) === '第二句', 'what is typed after the first step is not kept')
    await page.locator('.told', { hasText: '数字已与流调组核对' }).waitFor()
  }, page)
  await page.context().close()
}
async function second(browser) {
  const page = await signedIn(browser, login)
  page.seen.refused = (status) => status === 409 || status === 404
  await test('second approval by another, publication, and the public version with suppressed cells', async () => {
    await go(page, day)
    await step(page, '终审通过').click()
    await step(page, '发布').waitFor()
    await picture(page, 'report-approved')
    await step(page, '发布').click()
    await page.locator('.el-tag', { hasText: '已发布' }).waitFor()
    await settled(page)
    await go(page, `${day}&version=public`)
    await page.locator('#main h2', { hasText: '2022-05-30' }).waitFor()
    const said = await page.locator('.two > section').innerText()
    must(/<\s*\d|＜|少于|\*/.test(said), said.slice(0, 600))
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    await picture(page, 'report-public')
  }, page)
  await test('the PDF of each version', async () => {
    for (const v of ['live', 'frozen', 'public']) await pdf(page, v)
  }, page)
  await test('what is published stands where everybody may read it', async () => {
    const list = await (await fetch(`${url}/public/v1/reports`)).json()
    must(JSON.stringify(list).includes('2022-05-30'), JSON.stringify(list).slice(0, 300))
    must(!page.seen.faults.length, page.seen.faults.join('\n'))
  }, page)
  await page.context().close()
}
async function returned(browser) {
  const page = await signedIn(browser, 'demo-command')
  page.seen.refused = (status) => status === 409 || status === 404
  await test('withdrawn only with a reason', async () => {
    await go(page, day)
    must(await step(page, '撤回').isDisabled(), 'it can be withdrawn without a reason')
    await page.fill('#report-comment', '数字有误')
    await step(page, '撤回').click()
    await page.locator('.el-tag', { hasText: '撤回' }).waitFor()
    must(!page.seen.faults.length, page.seen.faults.join('\n'))
  }, page)
  await page.context().close()
}

export async function walk(browser) {
  if (!people[login]) await made(browser)
  await approving(browser)
  await second(browser)
  await returned(browser)
}
