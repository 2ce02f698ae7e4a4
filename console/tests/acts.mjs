// The acts of my work, each sent by its key, and the duty that it is for paid afterwards, as the server says: located, done, signed by three levels, placed, tested, checked, released; and a selection of
// which one row is refused. What owes them is made first.
import { api, choose, go, must, settled, signedIn, test } from './house.mjs'

const day = (n) => new Date(Date.parse('2022-05-30') + n * 86400_000).toISOString().slice(0, 10)
const box = (page) => page.locator('.el-dialog:visible')
async function made(page, register, region, fields) {
  const got = await api(page, `registers/${register}/records`, { method: 'POST', body: { region, fields } })
  must(got.id, `${register}: ${JSON.stringify(got)}`)
  return got.id
}
const owed = async (page, register, id) => (await api(page, `registers/${register}/records/${id}/obligations`)).obligations
/** The row of a duty, with the focus. */
async function stand(page, rule, register, id) {
  await go(page, `/work?unit=all&rule=${rule}`)
  const row = page.locator('.duties tbody tr', { has: page.locator(`a[href="#/${register === 'case' ? 'cases' : `registers/${register}`}/${id}"]`) })
  must((await row.count()) === 1, `${await row.count()} duties ${rule} of ${register} ${id}`)
  await row.focus()
  return row
}
/** One key, what has to be filled in, sent; the server says that it is paid, and the row is gone from the list or says the next day. */
async function act(page, key, rule, register, id, fill = async () => undefined) {
  const due = (await owed(page, register, id)).filter((d) => d.rule === rule && d.state === 'open')
  must(due.length, `${register} ${id} does not owe ${rule}`)
  const row = await stand(page, rule, register, id)
  const was = [await row.locator('a').getAttribute('href'), await row.locator('td.due').innerText()]
  await page.keyboard.press(key)
  await box(page).locator('.go .el-button--primary').waitFor()
  await fill()
  await box(page).locator('.go .el-button--primary').click()
  await box(page).locator('.results .ok').waitFor()
  await box(page).getByRole('button', { name: '完成' }).click()
  const now = await owed(page, register, id)
  // of what is owed on several days the next one is told
  const paid = (one) => now.some((d) => d.rule === rule && (d.state === 'paid' ? d.due_at === one.due_at : d.due_at > one.due_at)) && !now.some((d) => d.rule === rule && d.state === 'open' && d.due_at <= one.due_at)
  must(due.every(paid), `${rule} after ${key}: ${JSON.stringify(now.filter((d) => d.rule === rule))}`)
  await page.waitForFunction(([to, at]) => ![...document.querySelectorAll('.duties tbody tr')].some((e) => e.querySelector(`a[href="${to}"]`) && e.querySelector('td.due').innerText === at), was)
}

async function ofCase(browser) {
  const intake = await signedIn(browser, 'demo-intake')
  await go(intake, '/me')
  const like = (await api(intake, 'registers/case/records?classification=confirmed&limit=1')).rows[0]
  const person = await made(intake, 'person', like.region, { name: '步甲', phone: '13911110001' })
  const id = await made(intake, 'case', like.region, { person, disease: like.fields.disease, classification: 'confirmed', detected_at: `${day(0)}T16:00`, reported_at: `${day(0)}T16:30`, report_date: day(0) })
  await test('l locates a case, d says core information and investigation done: each is paid, the others are owed on', async () => {
    await act(intake, 'l', 'locate-case', 'case', id)
    const open = (await owed(intake, 'case', id)).filter((d) => d.state === 'open').map((d) => d.rule)
    must(['core-information', 'full-investigation', 'county-receipt'].every((rule) => open.includes(rule)), `${open} are open`)
    await act(intake, 'd', 'core-information', 'case', id)
    await act(intake, 'd', 'full-investigation', 'case', id)
    const { fields } = await api(intake, `registers/case/records/${id}`)
    must(['located_at', 'core_information_at', 'investigated_at'].every((name) => fields[name]?.startsWith(day(0))), JSON.stringify(fields))
  }, intake)
  await test('who may not sign for a level is told so, and nothing is sent', async () => {
    await stand(intake, 'county-receipt', 'case', id)
    await intake.keyboard.press('s')
    await box(intake).locator('[role=alert]').waitFor()
    must(await box(intake).locator('.go .el-button--primary').isDisabled(), 'intake may sign')
    must(!intake.seen.faults.length, intake.seen.faults.join('\n'))
  }, intake)
  await intake.context().close()
  const command = await signedIn(browser, 'demo-command')
  await test('s signs for the county, the city, the province', async () => {
    await go(command, '/me')
    for (const level of ['county', 'city', 'province']) await act(command, 's', `${level}-receipt`, 'case', id)
    must(!command.seen.faults.length, command.seen.faults.join('\n'))
  }, command)
  await command.context().close()
}

async function ofContact(browser) {
  const page = await signedIn(browser, 'demo-isolator')
  await go(page, '/me')
  const like = (await api(page, 'registers/case/records?limit=1')).rows[0]
  const tracer = await signedIn(browser, 'demo-intake')
  await go(tracer, '/me')
  /** A close contact of some days ago, and the stay that he began on the day after. */
  const contact = async (name, phone, ago) => {
    const person = await made(tracer, 'person', like.region, { name, phone })
    return { person, id: await made(tracer, 'contact', like.region, { person, index_case: like.id, class: 'close', last_contact: day(-ago), found_at: `${day(0)}T15:00` }) }
  }
  const [fresh, ready, early] = [await contact('步乙', '13911110002', 1), await contact('步丙', '13911110003', 7), await contact('步丁', '13911110004', 7)]
  await tracer.context().close()
  await test('p places a contact: the order and the place are paid, the stay stands at the place that was chosen', async () => {
    const title = (await api(page, 'registers/place/records?kind=isolation-site&limit=1&fields=title')).rows[0].fields.title
    await act(page, 'p', 'place-contact', 'contact', fresh.id, async () => {
      await choose(page, 'act-place', title.slice(0, 3), title)
      await page.fill('#field-room', '301')
    })
    must((await owed(page, 'contact', fresh.id)).find((d) => d.rule === 'control-order').state === 'paid', 'the order is still owed')
    must((await api(page, `registers/contact/records/${fresh.id}`)).state === 'placed', 'he is not placed')
    const stays = (await api(page, `registers/stay/records?contact=${fresh.id}`)).rows
    must(stays.length === 1 && stays[0].fields.room === '301' && stays[0].fields.kind === 'central' && stays[0].fields.place, JSON.stringify(stays))
    fresh.stay = stays[0].id
  }, page)
  await test('t records a test with its result, c a check of health: what was due today is paid', async () => {
    await act(page, 't', 'central-tests', 'stay', fresh.stay, () => choose(page, 'field-result', '', '阴性'))
    await act(page, 'c', 'health-checks', 'stay', fresh.stay, () => page.fill('#field-temperature', '36.6'))
    const check = (await api(page, `registers/health_check/records?stay=${fresh.stay}`)).rows
    must(check.length === 1 && Number(check[0].fields.temperature) === 36.6, JSON.stringify(check))
  }, page)
  for (const one of [ready, early]) one.stay = await made(page, 'stay', like.region, { contact: one.id, kind: 'central', started_at: `${day(-6)}T08:00` })
  const all = (register, rows) => api(page, `registers/${register}/records/batch`, { method: 'POST', body: { rows: rows.map((fields) => ({ region: like.region, fields })) } })
  await all('health_check', [1, 2, 3, 4, 5, 6, 7].map((n) => ({ person: ready.person, stay: ready.stay, checked_at: `${day(n - 7)}T09:00`, abnormal: false })))
  await all('test', [1, 2, 3, 5, 7].map((n) => ({ person: ready.person, contact: ready.id, kind: 'pcr', result: 'negative', sampled_at: `${day(n - 7)}T09:00`, result_at: `${day(n - 7)}T15:00` })))
  await test('r releases a selection: who has had his tests is released, who has not is refused with the reason and stays chosen', async () => {
    const good = await stand(page, 'release', 'stay', ready.stay)
    const bad = page.locator('.duties tbody tr', { has: page.locator(`a[href="#/registers/stay/${early.stay}"]`) })
    for (const row of [good, bad]) await row.locator('input[type=checkbox]').check()
    await good.focus()
    await page.keyboard.press('r')
    await box(page).locator('.go .el-button--primary').click()
    await box(page).locator('.results li').nth(1).waitFor()
    const told = await box(page).locator('.results li').evaluateAll((rows) => rows.map((e) => ({ to: e.querySelector('a').getAttribute('href'), ok: e.className === 'ok', text: e.lastElementChild.innerText })))
    const of = (stay) => told.find((one) => one.to === `#/registers/stay/${stay}`)
    must(told.length === 2 && of(ready.stay)?.ok && of(early.stay)?.ok === false, JSON.stringify(told))
    must(/检测|监测/.test(of(early.stay).text) && of(early.stay).text !== of(ready.stay).text, `the reason: ${of(early.stay).text}`)
    must((await box(page).locator('p[role=status]').innerText()).includes('成功 1 项，未成功 1 项'), await box(page).locator('p[role=status]').innerText())
    await box(page).getByRole('button', { name: '完成' }).click()
    await good.waitFor({ state: 'detached' })
    must((await bad.getAttribute('class')).includes('chosen') && (await page.locator('.duties tr.chosen').count()) === 1, 'who was refused is not chosen any more')
    const state = async (stay) => [(await api(page, `registers/stay/records/${stay}`)).state, (await owed(page, 'stay', stay)).find((d) => d.rule === 'release').state].join()
    must((await state(ready.stay)) === 'released,paid' && (await state(early.stay)) === 'active,open', `${await state(ready.stay)} ${await state(early.stay)}`)
    await settled(page)
    must(!page.seen.faults.length, page.seen.faults.join('\n'))
  }, page)
  await page.context().close()
}

export async function walk(browser) {
  await ofCase(browser)
  await ofContact(browser)
}
