// A day's report on its way to the public: frozen, approved by two who are not the same, published, its public version with suppressed cells and its PDF; refused
// out of turn, sent back with a comment that survives a reload.

import { api, axeFaults, go, must, people, picture, settled, signedIn, test, url } from './house.mjs'
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

/** Each table of the page: its rows, the name and then the cells. */
const tables = (page) => page.locator('.tables table').evaluateAll((all) => all.map((t) => [...t.querySelectorAll('tbody tr')].map((r) => [...r.children].map((c) => c.innerText.trim()))))
/** What anybody can work out of sums of which some parts are withheld (null): each row and each column and its total, over and over. A figure whose bounds meet is given away. */
function worked(cells) {
  const [h, w] = [cells.length, cells[0].length]
  const low = cells.map((r) => r.map((n) => n ?? 0))
  const high = cells.map((r) => r.map((n) => n ?? Infinity))
  const lines = [...cells.map((_, i) => [...Array(w).keys()].map((j) => [i, j])), ...cells[0].map((_, j) => [...Array(h).keys()].map((i) => [i, j]))]
  const sum = (list, of) => list.reduce((n, [i, j]) => n + of[i][j], 0)
  for (let k = 0; k < 200; k++)
    for (const line of lines) {
      const [parts, [ti, tj]] = [line.slice(0, -1), line.at(-1)]
      low[ti][tj] = Math.max(low[ti][tj], sum(parts, low))
      high[ti][tj] = Math.min(high[ti][tj], sum(parts, high))
      for (const one of parts) {
        const others = parts.filter((p) => p !== one)
        high[one[0]][one[1]] = Math.min(high[one[0]][one[1]], high[ti][tj] - sum(others, low))
        low[one[0]][one[1]] = Math.max(low[one[0]][one[1]], low[ti][tj] - sum(others, high))
      }
    }
  return cells.flatMap((r, i) => r.flatMap((n, j) => (n === null && low[i][j] === high[i][j] ? [`${low[i][j]} in row ${i}, column ${j}`] : [])))
}
/** The public version beside what is frozen: every figure from 1 to under the limit is withheld; where none is, nothing; what is shown is true; what is withheld cannot be worked out. And the page shows it so. */
function suppressed(frozen, open, page) {
  const [f, o, k] = [frozen.cases, open.cases, open.k]
  must(k >= 3 && open.public && !frozen.public, `the limit is ${k}`)
  const small = (n) => n > 0 && n < k
  const [classes, origins] = [['confirmed', 'asymptomatic'], ['local', 'imported', 'unknown']]
  const day = (c) => [...classes.map((a) => [...origins.map((b) => c.new[a][b]), c.new_by_class[a]]), [...origins.map((b) => c.new_by_origin[b]), c.new_infections]]
  const same = (what, was, is) => {
    for (const [i, n] of was.entries()) {
      if (small(n)) must(is[i] === null, `${what}: ${n} is shown`)
      if (is[i] !== null) must(is[i] === n, `${what}: ${is[i]} is shown, ${n} is true`)
    }
    if (!was.some(small)) must(!is.includes(null), `${what}: nothing is small, and something is withheld: ${is}`)
  }
  const [was, is] = [day(f), day(o)]
  must(was.flat().some(small), 'nothing of that day is small: nothing is proved')
  same('class by origin', was.flat(), is.flat())
  // beside a small one a figure may be withheld only as its complement: in its row or column something small is withheld too, or a complement of that
  const hidden = is.flatMap((r, i) => r.flatMap((n, j) => (n === null ? [[i, j]] : [])))
  const reached = hidden.filter(([i, j]) => small(was[i][j]))
  for (let grown = true; grown; ) {
    grown = false
    for (const one of hidden) if (!reached.includes(one) && reached.some(([i, j]) => i === one[0] || j === one[1])) grown = !!reached.push(one)
  }
  must(reached.length === hidden.length, `withheld without need: ${hidden.filter((one) => !reached.includes(one))}`)
  must(!worked(is).length, `worked out: ${worked(is)}`)
  // streets and diseases: the rows with their sum, under the totals of the classes
  for (const part of ['regions', 'diseases']) {
    if (!o[part].length) continue
    const rows = (list) => [...list.map((r) => [...classes.map((a) => r.new_total[a]), classes.reduce((n, a) => (n === null || r.new_total[a] === null ? null : n + r.new_total[a]), 0)])]
    const total = (c) => [...classes.map((a) => c.new_by_class[a]), c.new_infections]
    const seen = [...rows(o[part]), total(o)]
    same(part, rows(f[part]).flat(), rows(o[part]).flat())
    must(!worked(seen).length, `${part}, worked out: ${worked(seen)}`)
    for (const r of o[part]) for (const a of classes) for (const b of origins) must(r.new[a][b] === (r.new_total[a] === 0 ? 0 : null), `${r.code} by origin: ${r.new[a][b]}`)
  }
  for (const [what, was, is] of [['routes', f.discovery.map((d) => d.n), o.discovery.map((d) => d.n)], ['control', [f.found_under_control, f.found_in_community, f.control_unknown], [o.found_under_control, o.found_in_community, o.control_unknown]]]) {
    if (!is.length) continue
    if (o.new_infections !== null) same(what, was, is)
    else must(is.every((n) => n === null), `${what}: parts of a withheld sum are shown: ${is}`)
    must(!worked([[...is, o.new_infections], [...is, o.new_infections]]).length, `${what}, worked out`)
  }
  for (const [part, names] of [['cases', ['recovered', 'released', 'died']], ['contacts', ['found', 'released']], ['tests', ['positive']], ['rounds', ['tubes_positive', 'people_positive', 'voluntary']]])
    for (const name of names) if (frozen[part]?.[name] !== undefined) must(open[part][name] === (small(frozen[part][name]) ? null : frozen[part][name]), `${part}.${name}: ${open[part][name]}, frozen ${frozen[part][name]}`)
  // what goes on from day to day is told in steps of the limit: the day's own figure is not the difference of two
  for (const a of classes) for (const b of origins) must(o.cumulative[a][b] === Math.floor(f.cumulative[a][b] / k) * k, `all ${a} ${b}: ${o.cumulative[a][b]}`)
  for (const [part, name] of [['cases', 'active'], ['contacts', 'observed'], ['contacts', 'cumulative'], ['tests', 'sampled'], ['rounds', 'people'], ['rounds', 'tubes'], ['rounds', 'covered']]) must(open[part][name] === Math.floor(frozen[part][name] / k) * k, `${part}.${name}: ${open[part][name]}, frozen ${frozen[part][name]}`)
  for (const list of Object.values({ ...o.curve_onset, ...o.curve_report })) must(list.every((n) => n % k === 0), `a curve: ${list}`)
  // and on the page: a star for what is withheld, the figure for what is not
  const text = (n) => (n === null ? '*' : n.toLocaleString('en').replaceAll(',', ''))
  const bare = page.map((t) => t.map((r) => r.map((c) => c.replace(/[,\s]/g, ''))))
  for (const [i, a] of classes.entries()) must(bare[0][i].slice(1, 4).join() === [o.new[a].local, o.new[a].imported, o.new_by_class[a]].map(text).join(), `the row of ${a}: ${bare[0][i]}`)
  for (const r of o.regions) {
    const row = bare[1].find((cells) => cells[0] === r.zh)
    must(row?.slice(1, 3).join() === classes.map((a) => text(r.new_total[a])).join(), `the row of ${r.zh}: ${row}`)
  }
  const rest = bare.flat().map((r) => r.slice(-1)[0])
  must(rest.filter((c) => c === '*').length >= 4, `${rest} has hardly a star`)
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
  await test('second approval by another, publication; the public version withholds what is small and its complements, and nothing withheld can be worked out of what is shown', async () => {
    await go(page, day)
    await step(page, '终审通过').click()
    await step(page, '发布').waitFor()
    await picture(page, 'report-approved')
    await step(page, '发布').click()
    await page.locator('.el-tag', { hasText: '已发布' }).waitFor()
    await settled(page)
    await go(page, `${day}&version=public`)
    await page.locator('#main h2', { hasText: '2022-05-30' }).waitFor()
    suppressed(await api(page, `reports/2022-05-30?version=frozen`), await api(page, 'reports/2022-05-30?version=public'), await tables(page))
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
