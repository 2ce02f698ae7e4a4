// The dialogs of tracing: a purpose, a zone, a reply to another region, the source of a case. What is typed in them stays after an error, an expiry and a reload,
// belongs to what it was typed for, and makes nothing twice.
import { drawnCharts, nameFaults } from './charts.mjs'
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

// What an answer is without is told beside it: nobody takes damaged days, or a case of whom nothing is recorded, for nobody met. Whom the visits alone name is on record when the answer says so.
async function lacking(page) {
  const id = (await api(page, 'registers/case/records?limit=1')).rows[0].id
  const at = '2022-05-28T10:00:00+08:00'
  const one = (person, fresh) => ({ person, degree: 1, class: 'close', overlap_s: 1800, first: at, last: at, score: 0.01, pieces: 0, evidence: [], ...(fresh ? { fresh } : {}) })
  const answer = { from: at, to: at, asked: 1, without_visits: 1, damaged_files: 2, links: 0, large_units: 0, since: { traced_at: at, added: 1, kept: 1, removed: 0, gone: [] }, n_contacts: 900, contacts: [one('scan-1'), one('scan-2', true)], more: true, venues: [], common_places: [], common_sources: [] }
  await test('what a trace is without is told', async () => {
    await page.route('**/tracing/trace', (route) => route.fulfill({ json: answer }))
    await go(page, `/tracing/case/${id}`)
    if (await page.locator('.el-dialog:visible').count()) await purpose(page)
    const told = await page.locator('section.contacts').innerText()
    for (const words of ['部分出入记录已损坏 (2 处)', '没有此病例的出入记录', '只列出评分最高的 2 人', '未登记 1 人']) must(told.includes(words), `${words} is not told: ${told}`)
    must((await page.locator('section.contacts li.held').innerText()).includes('scan-1'), 'who is on record stands as new')
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    await page.unroute('**/tracing/trace')
  }, page)
}

// One chain of 100,000 cases as the server tells it (test_http_tracing holds it to that): the first infected 2,000, a line of fifty generations goes down from each. The one
// before the source might be it as well.
const first = 1_000_000
const line = 2000
const whole = 100_000
const infector = (i) => (i === 0 ? -1 : i <= line ? 0 : i - line)
const infected = (i) => (i === 0 ? Array.from({ length: line }, (_, k) => k + 1) : i + line < whole ? [i + line] : [])
function caseOf(i) {
  const generation = Math.floor((i + line - 1) / line)
  const onset = new Date(Date.UTC(2022, 0, 1 + 2 * generation)).toISOString().slice(0, 10)
  const below = i ? Math.floor((whole - 1 - i) / line) : whole - 1
  return { id: first + i, number: `C-310199003-${onset.replaceAll('-', '')}-${String(i).padStart(6, '0')}`, region: '310199003', onset, reported: null, class: 'confirmed', controlled: i % 2 === 0, imported: i === 0, generation, children: infected(i).length, descendants: below, tree: 0 }
}
function partOf(ask) {
  const [centre, steps, limit, percent] = ['case', 'steps', 'limit', 'percent'].map((name) => Number(ask.get(name)))
  const shown = [centre - first]
  const seen = new Set(shown)
  let more = false
  for (let step = 0, head = 0; step < steps; step++)
    for (const end = shown.length; head < end; head++)
      for (const i of [infector(shown[head]), ...infected(shown[head])].filter((i) => i >= 0 && !seen.has(i))) {
        if (shown.length >= limit) more = true
        else seen.add(i), shown.push(i)
      }
  const edges = shown.flatMap((i) => [
    ...(seen.has(infector(i)) ? [{ infector: first + infector(i), infectee: first + i, chance: 0.9, by: 'machine' }] : []),
    ...(percent <= 30 && i > 2 * line && seen.has(infector(infector(i))) ? [{ infector: first + infector(infector(i)), infectee: first + i, chance: 0.3, by: 'candidate' }] : []),
  ])
  return { nodes: shown.map(caseOf), edges, more, hidden: 0, cases: whole }
}
async function large(browser, login) {
  const page = await signedIn(browser, login)
  const limits = []
  page.seen.refused = (status) => status === 404 // the case it leads to is made up
  await page.route(/api\/v1\/tracing\/chains(\/part)?(\?|$)/, async (route) => {
    const ask = new URL(route.request().url())
    if (ask.pathname.endsWith('/part')) return limits.push(Number(ask.searchParams.get('limit'))), route.fulfill({ json: partOf(ask.searchParams) })
    const answer = await route.fetch()
    const chain = { root: caseOf(0), size: whole, generations: 50, open: true, long_gaps: 0, first: caseOf(0).onset, last: caseOf(whole - 1).onset, last_outside: caseOf(whole - 1).onset }
    await route.fulfill({ response: answer, json: { ...(await answer.json()), cases: whole, chains: [chain], n_chains: 1, open: 1, cut: 0, contradictions: [] } })
  })
  const graph = async () => (await drawnCharts(page)).find((one) => one.place === 'chain')
  const pick = async (label, text) => {
    await page.locator('label', { hasText: label }).locator('.el-select').click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: text }).click()
    await settled(page)
  }
  await test('of a chain of 100,000 cases only a part is asked for and drawn, and it is said', async () => {
    await go(page, '/tracing/chains')
    const one = await graph()
    must(one.nodes.length === 300 && one.links === 299 && limits.length && limits.every((n) => n <= 300), `${one.nodes.length} cases and ${one.links} links drawn, asked for ${limits}`)
    const said = await page.locator('section .bar').innerText()
    must(said.includes('300 / 100000') || said.includes('300 / 100,000'), said)
    must(said.split('·').length === 2, `that it is cut short is not said: ${said}`)
    await picture(page, 'tracing-chain-large')
  }, page)
  await test('steps, candidates and time change what is shown; names lie on nothing', async () => {
    await go(page, `/tracing/chains?case=${first + 20 * line + 7}`)
    const four = await graph()
    must(four.nodes.length === 9 && four.links > 8, `${four.nodes.length} cases, ${four.links} links`)
    must(four.rects.some((one) => four.nodes.some((n) => n.name === one.word)) && !(await nameFaults(page)).length, (await nameFaults(page)).join('\n') || 'no name is drawn')
    await pick('候选', /50%/)
    must((await graph()).links === 8, `${(await graph()).links} links without the candidates`)
    await pick('步数', /^1$/)
    must((await graph()).nodes.length === 3, `${(await graph()).nodes.length} cases a step away`)
    await pick('步数', /^20$/)
    must((await graph()).nodes.length === 41, `${(await graph()).nodes.length} cases twenty steps away`)
    must(!(await nameFaults(page)).length, (await nameFaults(page)).join('\n'))
    await page.locator('.slide .el-slider__button-wrapper').focus()
    await page.keyboard.press('Home')
    await settled(page)
    must((await graph()).nodes.length === 1, `${(await graph()).nodes.length} cases on the first day`)
    await page.keyboard.press('End')
    await settled(page)
    must((await graph()).nodes.length === 41, 'the slider does not come back')
  }, page)
  await test('a click leads on along the chain, one more on the middle opens the case', async () => {
    await pick('步数', /^4$/)
    const click = async (id) => {
      const [at, to] = [await page.locator('.chain .graph').boundingBox(), (await graph()).nodes.find((n) => n.id === id)]
      await page.mouse.click(at.x + to.x, at.y + to.y)
    }
    const next = first + 21 * line + 7
    await click(next)
    await page.waitForURL(new RegExp(`case=${next}`))
    await settled(page)
    must((await graph()).nodes.some((n) => n.id === next + 4 * line), 'it leads no further')
    await click(next)
    await page.waitForURL(new RegExp(`tracing/case/${next}`))
  }, page)
  await page.context().close()
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
  await lacking(page)
  await test('names of a chain lie on no case and on no other name', async () => {
    await go(page, '/tracing/chains')
    must(!(await nameFaults(page)).length, (await nameFaults(page)).join('\n'))
    const one = (await drawnCharts(page)).find((one) => one.place === 'chain')
    const told = one.rects.filter((r) => one.nodes.some((n) => n.name === r.word)).length
    must(told * 3 >= one.nodes.length, `only ${told} of ${one.nodes.length} are named`)
    await picture(page, 'tracing-chain')
  }, page)
  await test('nothing was in the log', async () => must(!page.seen.faults.length, page.seen.faults.join('\n')))
  await page.context().close()
  await large(browser, login)
}
