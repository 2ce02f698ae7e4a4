// The dialogs of tracing: a purpose, a zone, a reply to another region, the source of a case. What is typed in them stays after an error, an expiry and a reload,
// belongs to what it was typed for, and makes nothing twice.
import { drawnCharts } from './charts.mjs'
import { answerLost, api, axeFaults, forget, go, must, people, picture, settled, signedIn, test } from './house.mjs'

const box = (page) => page.locator('.el-dialog:visible').last()
async function purpose(page) {
  await box(page).locator('input').fill('流行病学调查')
  await page.keyboard.press('Enter')
  await settled(page)
}
async function again(page, login) {
  await page.fill('#again-password', people[login])
  await page.keyboard.press('Enter')
}

async function zone(page) {
  const proposals = async () => (await api(page, 'registers/zone_proposal/records?limit=200')).rows.length
  const open = (i) => page.getByRole('button', { name: '建议划区' }).nth(i).click()
  const why = () => box(page).getByLabel('扩大范围的理由')
  await test('a purpose is asked for, and what is typed there survives a reload', async () => {
    await go(page, '/tracing/places')
    await box(page).locator('input').fill('流调核查场所')
    await page.reload()
    await settled(page)
    must((await box(page).locator('input').inputValue()) === '流调核查场所', 'the purpose is gone')
    await purpose(page)
  }, page)
  const before = await proposals()
  await test('a zone wider than its place: the reason stays after a lost answer and a reload, and is not offered for another place', async () => {
    await open(0)
    await box(page).locator('.el-select').click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: '街道乡镇' }).click()
    await why().fill('楼栋间共用通风井')
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    await picture(page, 'tracing-zone')
    const stop = await answerLost(page, '**/registers/zone_proposal/records')
    await box(page).getByRole('button', { name: '保存' }).click()
    await box(page).locator('[role=alert]').waitFor()
    must((await why().inputValue()) === '楼栋间共用通风井', 'the reason is gone after the error')
    must((await proposals()) === before + 1, 'the server did not take it')
    await stop()
    await page.reload()
    await settled(page)
    await purpose(page)
    await open(1)
    must(!(await why().count()), 'what was typed for one place stands at another')
  }, page)
}
async function zoneKept(page, login) {
  const count = async () => (await api(page, 'registers/zone_proposal/records?limit=200')).rows.filter((r) => r.fields.wider_reason === '楼栋间共用通风井').length
  await test('sent again it is one proposal; a session that ended meanwhile is taken up on top of it', async () => {
    await page.reload()
    await settled(page)
    await purpose(page)
    await page.getByRole('button', { name: '建议划区' }).first().click()
    must((await box(page).getByLabel('扩大范围的理由').inputValue()) === '楼栋间共用通风井', 'the reason is gone after the reload')
    await page.context().clearCookies()
    await box(page).getByRole('button', { name: '保存' }).click()
    await again(page, login)
    await page.locator('.went-well').waitFor()
    must((await count()) === 1, `${await count()} proposals`)
  }, page)
}

async function reply(page, login) {
  const first = () => page.getByRole('button', { name: '回复', exact: true }).first().click()
  const text = () => box(page).getByLabel('回复内容')
  await test('a reply stays after a reload and after somebody was faster, and goes out when it is sent again after an expiry', async () => {
    await go(page, '/tracing/requests')
    const one = (await api(page, 'registers/assistance/records?direction=inbound&state=open&limit=200')).rows[0]
    await first()
    await text().fill('12 人均已核查，7 人已管控')
    await page.reload()
    await settled(page)
    await first()
    must((await text().inputValue()) === '12 人均已核查，7 人已管控', 'the reply is gone after the reload')
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    await picture(page, 'tracing-reply')
    const faster = (route) => route.continue({ headers: { ...route.request().headers(), 'if-match': '"999"' } })
    await page.route('**/registers/assistance/records/*', faster, { times: 1 })
    await box(page).getByRole('button', { name: '发出回复' }).click()
    await box(page).locator('[role=alert]').waitFor()
    must((await text().inputValue()) === '12 人均已核查，7 人已管控', 'the reply is gone after the conflict')
    await page.context().clearCookies()
    await box(page).getByRole('button', { name: '发出回复' }).click()
    await again(page, login)
    await box(page).waitFor({ state: 'detached' })
    await settled(page)
    const now = await api(page, `registers/assistance/records/${one.id}`)
    must(now.state === 'replied' && now.fields.reply === '12 人均已核查，7 人已管控', JSON.stringify(now))
  }, page)
}

async function source(page) {
  const rows = (await api(page, 'registers/case/records?limit=2')).rows
  await test('why somebody is the source survives a reload, and is not offered at another case', async () => {
    await go(page, `/tracing/case/${rows[0].id}`)
    if (await page.locator('.el-dialog:visible').count()) await purpose(page)
    const titles = (await page.locator('.plan').getAttribute('aria-label')).split(/\d+\. /).slice(1).map((title) => title.replace(/; $/, '').slice(0, 12))
    const words = (await drawnCharts(page)).find((one) => one.place.includes('plan')).words
    must(titles.length > 1 && titles.every((title) => words.includes(title)), `${titles.join(', ')} are not all on the plan: ${words.join(' ')}`)
    await page.getByRole('button', { name: '判定来源' }).click()
    await box(page).getByText('来源不明').click()
    await box(page).getByLabel('判定理由').fill('无共同暴露，基因序列不同')
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    await picture(page, 'tracing-source')
    await page.reload()
    await settled(page)
    await purpose(page)
    await page.getByRole('button', { name: '判定来源' }).click()
    must((await box(page).getByLabel('判定理由').inputValue()) === '无共同暴露，基因序列不同', 'the reason is gone after the reload')
    await page.keyboard.press('Escape')
    await page.evaluate((id) => (location.hash = `#/tracing/case/${id}`), rows[1].id)
    await settled(page)
    await page.getByRole('button', { name: '判定来源' }).click()
    must((await box(page).getByLabel('判定理由').inputValue()) === '', 'what was typed for one case stands at another')
  }, page)
}

export async function walk(browser) {
  const login = 'demo-tracer'
  forget(login)
  const page = await signedIn(browser, login)
  forget(login)
  page.seen.refused = (status) => [0, 401, 412].includes(status)
  await zone(page)
  await zoneKept(page, login)
  await reply(page, login)
  await source(page)
  await test('nothing was in the log', async () => must(!page.seen.faults.length, page.seen.faults.join('\n')))
  await page.context().close()
}
