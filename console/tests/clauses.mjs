// What the nine screens promise and no other walk comes by: the command board follows what happens and can be read from afar, my work is sorted by the time left, a case is told whole,
// codes depend on other codes, a list in a workbook, a register that no code has heard of as a file in both directions, and a report that says what was restated and who is missing.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { cutOff } from './cut.mjs'
import { api, go, must, picture, settled, signedIn, test } from './house.mjs'

const county = join(dirname(process.env.TOCSIN_ACCOUNTS), 'files')
const texts = (page, selector) => page.locator(selector).allInnerTexts()

async function board(browser) {
  const page = await signedIn(browser, 'demo-command')
  await test('the command board: each of its panels, and a figure leads to its records', async () => {
    await go(page, '/')
    for (const words of ['较昨日', '流行曲线', '闭环', '五个时间', '密接管控', '近一小时']) await page.getByText(words).first().waitFor().catch(() => must(false, `nothing says ${words}`))
    await page.locator('.loop tbody tr').nth(1).waitFor()
    must((await page.locator('.map canvas').count()) > 0, 'the map is not drawn')
    const tiles = await page.locator('.tiles a').evaluateAll((all) => all.map((e) => e.getAttribute('href')))
    must(tiles.length === 6 && tiles.every((to) => /#\/(registers|work)/.test(to)), tiles.join(' '))
    const owe = await texts(page, '.owners tbody th')
    must(owe.length > 2 && new Set(owe).size === owe.length, `one owes in two rows: ${owe.join(' ')}`)
  }, page)
  await test('the six figures and those of the contacts are what the server counts, and some of them is not nothing', async () => {
    const { cases, contacts: c } = await api(page, 'reports/today')
    const { total } = await api(page, 'obligations/summary')
    const wanted = [cases.new.confirmed.local, cases.new.asymptomatic.local, cases.found_in_community, cases.found_under_control, c.observed, total.overdue, c.observed, c.uncontrolled + c.lost, c.overdue, c.found, c.placed, c.released]
    const read = async () => (await page.locator('.tiles a strong, .contacts a strong').allInnerTexts()).map((n) => Number(n.replace(/\D/g, '')))
    // the board follows what comes by its own stream: what fell due since it was read comes yet
    await page.waitForFunction((n) => Number(document.querySelectorAll('.tiles a strong')[5].textContent.replace(/\D/g, '')) === n, total.overdue)
    must((await read()).join() === wanted.join(), `${(await read()).join()} on the board, ${wanted.join()} from the server`)
    must(wanted.slice(0, 6).filter(Boolean).length >= 4, `hardly anything has happened: ${wanted}`)
    const before = cases.day_before.new
    const said = await texts(page, '.tiles a')
    for (const [i, was] of [before.confirmed.local, before.asymptomatic.local].entries()) must(said[i].includes(String(was)) && said[i].includes(wanted[i] === was ? '持平' : String(Math.abs(wanted[i] - was))), `of ${was} yesterday nothing is said: ${said[i]}`)
    const loop = (await api(page, 'obligations/summary')).total
    must((await page.locator('.loop').first().innerText()).replaceAll(',', '').includes(String(loop.open)), `${loop.open} open duties are not told`)
  }, page)
  // The report counts a contact without any stay as placed or released on the day that it was changed; the list is of stays.
  const pages = async (path, query, take) => {
    for (let next = ''; next !== null; ) {
      const got = await api(page, `registers/${path}/records?limit=200&${query}${next && `&cursor=${encodeURIComponent(next)}`}`)
      await take(got.rows)
      next = got.next
    }
  }
  const moved = async (to, seen) => {
    const state = to.includes('started_at=') ? 'placed' : to.includes('ended_at=') ? 'released' : ''
    if (!state) return
    await pages('contact', `fields=class&state=${state}&changed_at=${to.slice(-10)}`, async (rows) => {
      const held = new Set()
      if (rows.length) await pages('stay', `fields=contact&contact=${rows.map((r) => r.id).join(',')}`, (stays) => stays.forEach((r) => held.add(r.fields.contact)))
      for (const r of rows) if (!held.has(r.id)) seen.add(r.id)
    })
  }
  await test('the list behind each figure has as many as the figure says', async () => {
    const figures = await page.locator('.tiles a, .contacts a').evaluateAll((all) => all.map((e) => ({ to: e.getAttribute('href').slice(2), n: Number(e.querySelector('strong').textContent.replace(/\D/g, '')) })))
    must(figures.length === 12 && figures.some((f) => f.n), JSON.stringify(figures))
    for (const { to, n } of figures) {
      const [path, query] = to.replace('registers/', '').split('?')
      const seen = new Set()
      await moved(to, seen)
      if (path !== 'work') await pages(path, `fields=${path === 'stay' ? 'contact' : 'disease'}&${query}`, (rows) => rows.forEach((r) => seen.add(r.fields.contact ?? r.id)))
      // of somebody whose finding has no day the report takes the day he was recorded; no list has that
      if (query?.startsWith('found_at=')) await pages('contact', 'fields=found_at', (rows) => rows.forEach((r) => r.fields.found_at || seen.add(r.id)))
      const many = path === 'work' ? (await api(page, 'obligations/summary')).total.overdue : seen.size
      must(many === n, `${n} on the board, ${many} in ${to}`)
    }
  }, page)
  await test('somebody with a unit is led from the board to as many duties as its figure says, not to those of the unit', async () => {
    const of = await signedIn(browser, 'demo-approver')
    const shown = async (link) => Number((await link.innerText()).split('\n').find((line) => /^[\d,]+$/.test(line)).replace(/\D/g, ''))
    for (const at of ['.tiles a[href*="/work?"]', '.loop tbody tr:nth-child(1) td:nth-of-type(1) a', '.loop tbody tr:nth-child(1) td:nth-of-type(3) a', '.loop tbody tr:nth-child(2) td:nth-of-type(1) a', '.loop tbody tr:nth-child(2) td:nth-of-type(3) a']) {
      let n, after, told, rows, where
      // what falls due between board and list is on the board when it is read again: only two boards that agree say what the list has to have
      do {
        await go(of, '/')
        const link = of.locator(at)
        n = await shown(link)
        await link.click()
        await of.locator('.count.on strong').waitFor()
        await settled(of)
        where = of.url()
        told = Number((await of.locator('.count.on strong').innerText()).replace(/\D/g, ''))
        rows = await of.locator('.duties tbody tr').count()
        await go(of, '/')
        after = await shown(of.locator(at))
      } while (after !== n)
      must(told === n && rows === Math.min(n, 200), `${n} on the board, ${told} told and ${rows} listed at ${where}`)
    }
    await of.context().close()
  }, page)
  await test('what is recorded elsewhere is on the board without a question by the clock', async () => {
    const other = await signedIn(browser, 'demo-intake')
    await go(other, '/me')
    await settled(page)
    const asked = page.seen.requests.length
    await page.waitForTimeout(1500)
    must(page.seen.requests.length === asked, `asked while nothing happened: ${page.seen.requests.slice(asked).join(' ')}`)
    const contact = (await api(other, 'registers/contact/records?limit=1&sort=id')).rows[0]
    const now = await api(other, `registers/contact/records/${contact.id}`, { method: 'PATCH', body: { fields: { note: `看板 ${Date.now()}` } } })
    must(now.version === contact.version + 1, JSON.stringify(now))
    await page.locator('.recent', { hasText: contact.number }).waitFor()
    await other.context().close()
  }, page)
  await page.context().close()
  for (const lang of ['zh', 'en']) await wall(browser, lang)
}
async function wall(browser, lang) {
  const page = await signedIn(browser, 'demo-command', { lang })
  await test(`the wall of the command board, ${lang}: at 1080 and at 4K nothing scrolls, nothing is cut in any panel, a line of type is 11 mm on 55 inches or more, also of a button, a figure 40`, async () => {
    for (const [width, height] of [[1920, 1080], [3840, 2160]]) {
      await page.setViewportSize({ width, height })
      await go(page, '/?wall=1')
      await page.locator('.board.wall .tiles strong').first().waitFor()
      await page.locator('.board.wall .map canvas').first().waitFor()
      await settled(page, 400)
      const seen = await page.evaluate(() => {
        const wall = document.querySelector('.wall')
        const mm = 1218 / window.innerWidth // 55 inches are 1218 mm wide
        const size = (e) => parseFloat(getComputedStyle(e).fontSize) * mm
        const lines = [...wall.querySelectorAll('*')].filter((e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
        const least = lines.reduce((a, b) => (size(b) < size(a) ? b : a))
        return { out: wall.scrollHeight - wall.clientHeight, least: size(least), which: `${least.className} ${least.textContent.slice(0, 20)}`, figure: size(wall.querySelector('.tiles strong')), buttons: wall.querySelectorAll('button').length }
      })
      await picture(page, `board-wall-${lang}-${width}`)
      must(seen.out <= 2, `${width}: it scrolls by ${seen.out} px`)
      const cut = await page.evaluate(cutOff, '.wall')
      must(!cut.length, `${width}, cut: ${cut.join('; ')}`)
      must(seen.least >= 11 && seen.buttons, `${width}: ${seen.least.toFixed(1)} mm: ${seen.which}`)
      must(seen.figure >= 40, `${width}: a figure of ${seen.figure.toFixed(1)} mm`)
    }
  }, page)
  await page.context().close()
}

async function work(browser) {
  const page = await signedIn(browser, 'demo-command')
  await test('my work is sorted by the time left; a filter stands in the address, and a reload keeps it', async () => {
    await go(page, '/work')
    const due = (await page.locator('.duties td.due').evaluateAll((all) => all.map((e) => /\d\d-\d\d \d\d:\d\d/.exec(e.innerText)?.[0] ?? ''))).filter(Boolean)
    must(due.length > 20, `${due.length} duties with a time`)
    must(due.every((at, i) => !i || due[i - 1] <= at), due.join(' '))
    await page.locator('.counts button').filter({ hasText: /超时|逾期/ }).first().click()
    await settled(page)
    must(/overdue=true/.test(page.url()), page.url())
    const n = await page.locator('.duties tbody tr').count()
    await page.reload()
    await settled(page)
    must((await page.locator('.duties tbody tr').count()) === n && /overdue=true/.test(page.url()), 'the filter is gone')
    const left = await texts(page, '.duties td.left')
    must(left.length && left.every((x) => x.startsWith('▲')), left.slice(0, 5).join(' '))
  }, page)
  await test('beside a duty stand its record, its rule, the clause it comes from and how sure we are of it', async () => {
    await page.locator('#duty-0').click()
    const side = page.locator('aside.side')
    await side.locator('.mark').first().waitFor()
    const said = await side.innerText()
    must(/方案|第.+[条章节]|附件/.test(said) && /未核实|已核实/.test(said), said)
    must((await side.locator('a[href^="#/policies?plan="]').count()) === 1, 'nothing leads to the rule')
  }, page)
  await test('a case is told whole: person, class, five times, contacts with their state, what happened, duties open and paid, documents', async () => {
    const rows = (await api(page, 'registers/case/records?limit=50')).rows
    let best = null
    for (const r of rows) {
      const duties = (await api(page, `registers/case/records/${r.id}/obligations`)).obligations ?? []
      if (duties.some((d) => d.state === 'open') && duties.some((d) => d.state === 'paid')) best = r
      if (best) break
    }
    must(best, 'no case with duties open and paid')
    await go(page, `/cases/${best.id}`)
    must((await page.locator('.times > li').count()) === 5, 'not five times')
    for (const words of ['人员', '密切接触者', '经过', '待办', '文书']) must((await texts(page, '.case h2')).some((h) => h.includes(words)), `no part is called ${words}: ${(await texts(page, '.case h2')).join(' ')}`)
    must((await page.locator('.case .duties .good, .case .duties .warn').count()) > 0 && (await page.locator('.case .duties').innerText()).length > 20, 'duties paid are not told')
    must((await page.locator('.papers li').count()) >= 2, 'no documents')
    must((await page.locator('.case .bare li time').count()) > 1, 'nothing is told of what happened')
  }, page)
  await page.context().close()
}

async function registers(browser) {
  let page = await signedIn(browser, 'demo-intake')
  await test('codes that depend on another: without symptoms, only the severities that go with it', async () => {
    await go(page, '/registers/case')
    const { fields } = await api(page, 'registers/case')
    const rule = fields.find((f) => f.narrowed?.length)
    const { when, is, among } = rule.narrowed[0]
    const all = (await api(page, `codes/${rule.codes}`)).codes
    const said = async () => {
      await page.locator(`#field-${rule.name}`).click()
      await page.locator('.el-select-dropdown__item:visible').first().waitFor()
      const n = await page.locator('.el-select-dropdown__item:visible').count()
      await page.keyboard.press('Escape')
      return n
    }
    await page.getByRole('button', { name: '新增' }).click()
    await page.locator(`#field-${rule.name}`).waitFor()
    must((await said()) === all.length, `not all ${all.length} codes are offered at first`)
    const list = fields.find((f) => f.name === when).codes
    const title = (await api(page, `codes/${list}`)).codes.find((c) => c.code === is).zh
    await page.locator(`#field-${when}`).click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: title }).first().click()
    must((await said()) === among.length, `not the ${among.length} codes that go with ${is}`)
  }, page)
  await test('of a long list 200 are chosen at once: the screen says so, and a box ticked beyond them is not left ticked', async () => {
    await page.goto('about:blank') // the form before it is gone
    await go(page, '/registers/contact')
    const note = page.getByText('一次最多选 200 条')
    must(!(await note.count()), 'said before anything is chosen')
    const grid = page.locator('.grid')
    await grid.locator('.head input[type=checkbox]').click()
    await note.waitFor()
    must((await page.locator('.register header').innerText()).includes('已选 200 项'), await page.locator('.register header').innerText())
    await grid.evaluate((e) => (e.scrollTop = 230 * 32))
    await settled(page)
    const box = page.locator('.rows .row:not(.ticked) input[type=checkbox]').first()
    await box.click()
    must(!(await box.isChecked()) && (await page.locator('.register header').innerText()).includes('已选 200 项'), 'it looks chosen')
    await grid.evaluate((e) => (e.scrollTop = 0))
    await settled(page)
    await page.locator('.rows .row.ticked input[type=checkbox]').first().click()
    await note.waitFor({ state: 'detached' })
  }, page)
  await test('a workbook: its sheet is told, its rows are tried', async () => {
    await go(page, '/import')
    await page.setInputFiles('input[type=file]', join(county, 'cases.xlsx'))
    await page.locator('.counts').waitFor()
    await settled(page)
    const said = await page.locator('.two').innerText()
    must(/XLSX/.test(said) && /\d+\s*行/.test(said), said.slice(0, 400))
    const facts = await page.locator('.two dd').first().innerText()
    must(facts.split('·').length === 3 && facts.split('·')[2].trim(), `no sheet is named: ${facts}`)
  }, page)
  await test('of a long file the first 100 rows are tried; while it runs, rows, pace and time left are told', async () => {
    const lines = Array.from({ length: 60000 }, (_, i) => `李${i},女,138${String(20000000 + i)}`)
    await page.setInputFiles('input[type=file]', { name: 'long.csv', mimeType: 'text/csv', buffer: Buffer.from(`姓名,性别,电话\n${lines.join('\n')}\n`) })
    await page.locator('.counts').waitFor()
    await settled(page)
    must(/(^|\D)100\s*行/.test(await page.locator('.counts').innerText()), await page.locator('.counts').innerText())
    await page.getByRole('button', { name: '正式导入' }).click()
    await page.locator('[role=status]', { hasText: /已处理 [1-9]\d* 行，每秒 \d+ 行，剩余 \S+/ }).waitFor()
    await page.locator('[role=status]').getByRole('button', { name: '取消' }).click()
    await page.locator('h2 .el-tag', { hasText: '已取消' }).waitFor()
    await page.getByRole('button', { name: /撤销/ }).click()
    await page.getByText(/已撤销/).first().waitFor()
  }, page)
  await page.context().close()
  page = await signedIn(browser, 'demo-tester')
  await test('a register that no code has heard of is brought in from a file known by its content, and taken out again', async () => {
    await go(page, '/import')
    await page.setInputFiles('input[type=file]', { name: 'water.csv', mimeType: 'text/csv', buffer: Buffer.from('水井,采样日期,余氯,检出菌\n文件井甲,2022-05-27,0.30,\n文件井乙,2022-05-27,0.40,\n') })
    await page.locator('.counts').waitFor()
    await settled(page)
    must(/水样/.test(await page.locator('.two .el-select').first().innerText()), await page.locator('.two .el-select').first().innerText())
    await page.getByRole('button', { name: '正式导入' }).click()
    await page.locator('h2', { hasText: '导入结果' }).waitFor()
    must(/2\s*新建/.test(await page.locator('.counts').innerText()), await page.locator('.counts').innerText())
    await go(page, `/registers/water_sample?well=${encodeURIComponent('文件井*')}`)
    must((await page.locator('.rows .row').count()) === 2, 'they are not in the list')
    await page.getByRole('button', { name: '导出', exact: true }).click()
    const [file] = await Promise.all([page.waitForEvent('download'), page.locator('.el-dropdown-menu__item:visible', { hasText: 'CSV' }).click()])
    const lines = readFileSync(await file.path(), 'utf8').trim().split('\n')
    must(lines.length === 3 && lines.some((l) => l.includes('文件井甲')), lines.join('\n'))
    await page.locator('.rows .row', { hasText: '文件井乙' }).locator('input[type=checkbox]').check()
    await page.getByRole('button', { name: '导出所选 1 条' }).click()
    const [chosen] = await Promise.all([page.waitForEvent('download'), page.locator('.el-dropdown-menu__item:visible', { hasText: 'CSV' }).click()])
    const one = readFileSync(await chosen.path(), 'utf8').trim().split('\n')
    must(one.length === 2 && one[1].includes('文件井乙'), one.join('\n'))
    must(!page.seen.faults.length, page.seen.faults.join('\n'))
  }, page)
  await page.context().close()
}

async function reports(browser) {
  const page = await signedIn(browser, 'demo-command')
  await test('a report says what has been restated since, and who has not reported', async () => {
    await go(page, '/reports')
    // a case that is told late, of a day whose report has been published
    const intake = await signedIn(browser, 'demo-intake')
    await go(intake, '/me')
    const like = (await api(intake, 'registers/case/records?classification=confirmed&limit=1')).rows[0]
    const must_ = (await api(intake, 'registers/case')).fields.filter((f) => f.required && !f.sealed).map((f) => f.name)
    const fields = { ...Object.fromEntries(must_.map((name) => [name, like.fields[name]])), classification: 'confirmed', report_date: '2022-05-29', reported_at: '2022-05-29T10:00' }
    const late = await api(intake, 'registers/case/records', { method: 'POST', body: { region: like.region, fields } })
    must(late.id, JSON.stringify(late))
    await intake.context().close()
    const days = (await api(page, 'reports')).reports?.map((r) => r.day) ?? ['2022-05-30', '2022-05-29', '2022-05-28']
    let restated = ''
    let missing = ''
    for (const day of days) {
      const f = await api(page, `reports/${day}`)
      if (f.restated?.length) restated ||= day
      if (f.units?.list?.length) missing ||= day
    }
    must(restated && missing, `no day has both: ${days.join()} "${restated}" "${missing}"`)
    await go(page, `/reports?day=${restated}`)
    await page.locator('.restated').waitFor()
    must((await page.locator('table del').count()) > 0, 'what was said before is not struck out')
    await go(page, `/reports?day=${missing}`)
    must((await texts(page, 'ul.missing li')).length > 0 && (await texts(page, 'ul.missing li')).every((x) => x.startsWith('▲')), 'nobody is named')
  }, page)
  await page.context().close()
}

export async function walk(browser) {
  for (const part of [board, work, registers, reports]) await part(browser)
}
