// Plans: two side by side, what adopting one would change and for whom, adoption with a day and a reason after being asked once more.
import { api, axeFaults, go, jobsBefore, must, picture, settled, signedIn, test } from './house.mjs'

export async function walk(browser) {
  let page = await signedIn(browser, 'demo-tracer')
  await test('who may not adopt is told so', async () => {
    await go(page, '/policies?plan=shannan-2022')
    must(!(await page.getByRole('button', { name: '推算' }).count()), 'a tracer may try')
    must(!(await page.locator('#adopt-why').count()), 'a tracer may adopt')
  }, page)
  await page.context().close()
  page = await signedIn(browser, 'demo-command')
  const other = (await (async () => { await go(page, '/policies'); return api(page, 'policies') })()).policies.find((p) => p.disease === 'covid-19' && p.name !== 'covid-2022-v9').name
  await test('two plans side by side, only what differs', async () => {
    await go(page, `/policies?plan=${other}&beside=covid-2022-v9`)
    await page.getByText('仅看不同').click()
    await settled(page)
    await picture(page, 'plans-beside')
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
  }, page)
  await test('the region one governs stands in the form, by its name', async () => {
    must((await page.locator('aside .el-select').first().innerText()).includes('望江'), await page.locator('aside .el-select').first().innerText())
  }, page)
  await test('a comparison that takes long says so and is stopped; nothing has changed', async () => {
    const said = page.getByText('已停止，没有改动')
    // forty others wait before it; where they are done sooner than one can press a button, once more
    for (let i = 0; i < 5 && !(await said.count()); i++) {
      await jobsBefore(page, { kind: 'policy', step: 'diff', params: { policy: other } })
      await page.getByRole('button', { name: '推算' }).click()
      await page.getByRole('button', { name: '停止' }).click({ timeout: 5000 }).catch(() => {})
      await said.or(page.locator('tr.sum')).first().waitFor()
    }
    await said.waitFor()
    must(!(await page.locator('tr.sum').count()), 'there is a result')
  }, page)
  await test('what adopting would change, for whom', async () => {
    await page.getByRole('button', { name: '推算' }).click()
    await page.locator('tr.sum').waitFor()
    await page.locator('summary', { hasText: /哪些|谁/ }).click()
    await page.locator('.people li').first().waitFor()
    await picture(page, 'plans-preview')
  }, page)
  await test('adopted with a day and a reason; the reason survives a reload, who says no at the last question has adopted nothing', async () => {
    await page.fill('#adopt-why', '市指挥部 2022 年第 31 号通知')
    await page.reload()
    await settled(page)
    await page.getByRole('button', { name: '推算' }).click()
    await page.locator('tr.sum').waitFor()
    must((await page.inputValue('#adopt-why')) === '市指挥部 2022 年第 31 号通知', 'the reason is gone')
    await page.getByRole('button', { name: '采用…' }).click()
    await page.locator('.el-message-box').getByRole('button', { name: '取消' }).click()
    must((await api(page, 'policies')).adopted.every((a) => a.pack !== other), 'it is adopted')
    await page.getByRole('button', { name: '采用…' }).click()
    await page.locator('.el-message-box .el-button--primary').click()
    await page.locator('aside .went-well').waitFor()
    await settled(page)
    must((await api(page, 'policies')).adopted.some((a) => a.pack === other), 'it is not adopted')
    await picture(page, 'plans-adopted')
    must(!page.seen.faults.length, page.seen.faults.join('\n'))
  }, page)
  await page.context().close()
}
