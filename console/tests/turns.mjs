// Answers that come late: of a record, a report, a plate and a trace that were left for another while their answer was on its way. Nobody looks at one and acts on another.
import { api, go, heldBack, must, purposeGiven, settled, signedIn, test } from './house.mjs'

const to = (page, path) => page.evaluate((at) => (location.hash = `#${at}`), path)
const head = (page, tag, text) => page.locator(`#main ${tag}`, { hasText: text }).first().waitFor()

async function record(browser) {
  const page = await signedIn(browser, 'demo-intake')
  await test('a record whose answer comes after another was opened does not take its place', async () => {
    await go(page, '/registers')
    const [a, b] = (await api(page, 'registers/person/records?limit=2')).rows
    const late = await heldBack(page, `**/registers/person/records/${a.id}`)
    await to(page, `/registers/person/${a.id}`)
    await late.asked
    await to(page, `/registers/person/${b.id}`)
    await head(page, 'h1', `${b.id}`)
    await late.come()
    await settled(page)
    must((await page.locator('#main h1').innerText()).endsWith(`${b.id}`), `${await page.locator('#main h1').innerText()} stands at the address of ${b.id}`)
  }, page)
  await test('a record that is not there leaves nothing of the one before on the screen', async () => {
    page.seen.refused = (status) => status === 404
    await to(page, '/registers/person/999999999')
    await page.locator('[role=alert]').first().waitFor()
    must(!(await page.locator('#main h1').count()) && !(await page.getByRole('button', { name: '修改' }).count()), await page.locator('#main').innerText())
  }, page)
  await page.context().close()
}

async function report(browser) {
  const page = await signedIn(browser, 'demo-reporter')
  await test('figures of a day that come after another was chosen do not stand beside its steps', async () => {
    await go(page, '/reports?day=2022-05-27')
    const late = await heldBack(page, '**/api/v1/reports/2022-05-28?*')
    await to(page, '/reports?day=2022-05-28')
    await late.asked
    must(!(await page.locator('.paper h2', { hasText: '2022-05-27' }).count()), 'the figures of the 27th stand at the 28th')
    await to(page, '/reports?day=2022-05-29')
    await head(page, '.paper h2', '2022-05-29')
    await late.come()
    await settled(page)
    must(await page.locator('.paper h2', { hasText: '2022-05-29' }).count(), await page.locator('.paper h2').first().innerText())
  }, page)
  await page.context().close()
}

async function plate(browser) {
  const page = await signedIn(browser, 'demo-tester')
  await test('a plate whose answer comes after another was chosen is not the one that is released', async () => {
    await go(page, '/testing/laboratory')
    const { runs } = await api(page, 'laboratory/runs?limit=50')
    const shown = await page.locator('#main h3').last().innerText()
    const a = runs.find((r) => !shown.includes(r.plate)) // the one that is shown already is not asked for again
    const b = runs.find((r) => r !== a)
    must(a && b && a.plate !== b.plate, `${runs.length} plates`)
    const late = await heldBack(page, `**/laboratory/runs/${a.id}`)
    const choose = (r) => page.getByRole('button', { name: r.plate, exact: true }).click()
    await choose(a)
    await late.asked
    await choose(b)
    await head(page, 'h3', b.plate)
    await late.come()
    await settled(page)
    must(!(await page.locator('#main h3', { hasText: a.plate }).count()), `${a.plate} stands where ${b.plate} was chosen`)
  }, page)
  await page.context().close()
}

async function trace(browser) {
  const page = await signedIn(browser, 'demo-tracer')
  const degree = (name) => page.locator('.el-radio-button', { hasText: name }).click()
  await test('contacts are taken as they were asked for that stand on the screen, whatever is on its way', async () => {
    await go(page, '/tracing')
    let found
    for (const { id } of (await api(page, 'registers/case/records?limit=40')).rows) {
      const n = []
      for (const steps of [1, 2]) n.push((await api(page, 'tracing/trace', { method: 'POST', body: { cases: [id], degree: steps, window: 0, limit: 500 }, purpose: '流行病学调查' })).n_contacts)
      if (n[0] && n[0] !== n[1]) {
        found = { id, n }
        break
      }
    }
    must(found, 'no case has contacts of contacts')
    await go(page, `/tracing/case/${found.id}`)
    await purposeGiven(page)
    const count = (n) => head(page, 'h2', new RegExp(`\\b${n}\\b`))
    await count(found.n[0])
    const late = await heldBack(page, '**/tracing/trace')
    await degree('含次密接')
    await late.asked
    let sent
    await page.route('**/accept', (route) => {
      sent = route.request().postDataJSON()
      return route.abort('blockedbyclient')
    })
    page.seen.refused = () => true
    await page.getByRole('button', { name: '全部登记并核对' }).click()
    await page.locator('[role=alert]').first().waitFor()
    must(sent?.degree === 1, `contacts of degree 1 stand there, sent was ${JSON.stringify(sent)}`)
    await degree(/^密接/)
    await late.come()
    await settled(page)
    await count(found.n[0])
    must(!(await page.locator('#main h2', { hasText: new RegExp(`\\b${found.n[1]}\\b`) }).count()), 'the later answer to the earlier question stands')
    await page.unroute('**/accept')
    const other = (await api(page, 'registers/case/records?limit=40')).rows.find((r) => r.id !== found.id)
    const taken = await heldBack(page, '**/accept')
    await page.getByRole('button', { name: '全部登记并核对' }).click()
    await taken.asked
    await to(page, `/tracing/case/${other.id}`)
    await head(page, 'h1', other.number)
    await taken.come()
    await settled(page)
    must(!(await page.locator('#main .went-well').count()), `what was taken of case ${found.id} is told at case ${other.id}`)
  }, page)
  await page.context().close()
}

export async function walk(browser) {
  for (const part of [record, report, plate, trace]) await part(browser)
}
