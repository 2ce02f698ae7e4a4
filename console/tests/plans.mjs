// Plans: each line as the API tells it, two side by side, what adopting one would change and for whom, adoption with a day and a reason after being asked once more.
import { readFileSync } from 'node:fs'

import { api, axeFaults, go, here, jobsBefore, must, picture, settled, signedIn, test } from './house.mjs'

const words = JSON.parse(readFileSync(here('../src/i18n/zh/policies.json'), 'utf8'))
/** The lines of a plan by the number their row has. */
const lines = (plan) => new Map([...plan.rules.map((r) => [`rule-${r.code}`, r]), ...plan.parameters.map((p) => [`rule-${p.name}`, p]), ...plan.limits.map((l) => [`rule-${l.measure}/${l.subject}`, l])])
/** What a line says, without where it is from and what it is called: two are the same when this is. */
const said = ({ from, title, code, name, ...rest }) => JSON.stringify(rest)
/** The figures that must stand in the row: a time in the largest unit that takes it whole. */
function figures(line) {
  const spell = (s) => String(s % 86400 === 0 && s >= 172800 ? s / 86400 : s % 3600 === 0 ? s / 3600 : s / 60)
  const clock = (s) => `${String(Math.floor(s / 3600)).padStart(2, '0')}:${String((s % 3600) / 60).padStart(2, '0')}`
  if (line.timing) return [...(line.timing.within_s ? [spell(line.timing.within_s)] : []), ...(line.timing.days ?? []).map(String), ...(line.timing.due_time_s && line.timing.due_time_s < 86400 ? [clock(line.timing.due_time_s)] : [])]
  if ('measure' in line) return line.allowed ? (line.max_days ? [String(line.max_days)] : [words.allowed]) : [words.forbidden]
  if (Array.isArray(line.value)) return line.value.map(String)
  return [line.unit === 'duration' ? spell(line.value) : line.unit === 'time' ? clock(line.value) : line.unit === 'yes-no' ? (line.value ? words.unit.yes : words.unit.no) : String(line.value)]
}
/** The rows of the page: number, how it stands to the other plan, its words cell by cell. */
const rows = (page) => page.locator('article tbody tr').evaluateAll((all) => all.map((e) => ({ id: e.id, how: e.className, cells: [...e.children].map((c) => c.innerText) })))
async function beside(page, name, other) {
  await go(page, `/policies?plan=${name}&beside=${other}`)
  await page.locator('article th.against').first().waitFor()
  await page.getByText(words.show.all, { exact: true }).click()
  const [mine, theirs] = [lines(await api(page, `policies/${name}`)), lines(await api(page, `policies/${other}`))]
  const want = new Map()
  for (const [id, line] of mine) if (!theirs.has(id)) want.set(id, 'added')
  else if (said(line) !== said(theirs.get(id))) want.set(id, 'changed')
  for (const id of theirs.keys()) if (!mine.has(id)) want.set(id, 'gone')
  const all = await rows(page)
  must(all.length === new Set([...mine.keys(), ...theirs.keys()]).size, `${all.length} rows`)
  const differ = all.filter((r) => r.how !== 'same')
  const wrong = [...differ.filter((r) => want.get(r.id) !== r.how).map((r) => `${r.id} is ${r.how}`), ...[...want].filter(([id, how]) => !differ.some((r) => r.id === id && r.how === how)).map(([id, how]) => `${id} should be ${how}`)]
  must(want.size && !wrong.length, `${name} beside ${other}: ${wrong.join(', ') || 'nothing differs'}`)
  for (const r of differ.filter((one) => one.how === 'changed')) must(r.cells[1] !== r.cells[2] || r.cells[0].includes(words.condition), `${r.id}: nothing tells what differs: ${r.cells.join(' | ')}`)
  await page.getByText(words.show.different, { exact: true }).click()
  await page.locator('article tr.same').first().waitFor({ state: 'detached' })
  const left = (await rows(page)).map((r) => `${r.id} ${r.how}`).sort()
  must(left.join() === [...want].map((one) => one.join(' ')).sort().join(), `only what differs: ${left.join(', ')}`)
}

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
  await test('the plan in force, line by line: its figures, clause, source and how sure we are, as the API tells them', async () => {
    await go(page, '/policies?plan=covid-2022-v9')
    const plan = await api(page, 'policies/covid-2022-v9')
    const want = lines(plan)
    const codes = async (list) => new Map((await api(page, `codes/${list}`)).codes.map((c) => [c.code, c.zh]))
    const [kinds, classes] = [await codes('measure_kind'), await codes('subject_class')]
    const all = await rows(page)
    must(want.size > 100 && all.length === want.size, `${all.length} rows of ${want.size}`)
    for (const { id, cells } of all) {
      const line = want.get(id)
      must(line, `no line ${id}`)
      const [what, value, from] = cells
      for (const name of 'measure' in line ? [kinds.get(line.measure), line.subject ? classes.get(line.subject) : ''] : [line.title]) must(name !== undefined && what.includes(name), `${id}: ${what}, not ${name}`)
      const missing = figures(line).filter((n) => !(/^\d+$/.test(n) ? new RegExp(`(^|\\D)${n}(\\D|$)`).test(value) : value.includes(n)))
      must(!missing.length, `${id}: ${missing} is not in ${value}`)
      // where a line has the source of the whole plan, that stands at the head
      for (const part of [line.from.clause, line.from.source === plan.from.source ? '' : line.from.source, words.certainty[line.from.certainty], line.from.verified ? words.verified : words.unverified]) must(from.includes(part), `${id}: "${part}" is not in "${from}"`)
    }
    must((await page.locator('article').innerText()).includes(plan.from.source), 'the source of the plan is not told')
    must(new Set([...want.values()].map((l) => `${l.from.certainty} ${l.from.verified}`)).size > 3, 'all are equally sure')
    await page.getByText(words.show.unverified, { exact: true }).click()
    await page.locator('article .mark.good').first().waitFor({ state: 'detached' })
    must((await rows(page)).length === [...want.values()].filter((l) => !l.from.verified).length, 'not what nobody has looked up')
  }, page)
  await test('the source of a plan stands at its head, and is not said again in each row', async () => {
    await go(page, '/policies?plan=covid-2022-v9')
    const { from } = await api(page, 'policies/covid-2022-v9')
    const text = await page.locator('#main').innerText()
    must(from.source && text.split(from.source).length === 2, `${text.split(from.source).length - 1} times`)
  }, page)
  await test('two plans side by side: what differs is what differs in the API, and only that is left', async () => {
    await beside(page, 'covid-2022-20', 'covid-2022-v9')
    await beside(page, 'covid-2022-v9', 'ebola-who')
    await beside(page, other, 'covid-2022-v9')
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
