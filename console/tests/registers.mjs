// Registers: a grid of any of them, entry by form and by paste, filters, views that follow the account, sealed cells, history. The register is one that no
// console code knows: tests/test_console.sh has added its file (docs/registers.md).
import { answerLost, api, axeFaults, go, must, overflow, paste, picture, settled, signedIn, test } from './house.mjs'

const register = '/registers/water_sample'
const many = [
  ['井号', '采样时间', '余氯', '检出菌', '采样人', '备用'],
  ['东井', '2022/5/28', '0.35', '', '王五', 'x'],
  ['西井', '2022年5月29日', '12', '', '', ''],
  ['南井\t带"引号"', '20220530', '0.4', '不存在的菌', '', ''],
  ['北井', '三十号', '', '', '', ''],
]
const tsv = (rows) => rows.map((r) => r.map((c) => (/[\t\n"]/.test(c) ? `"${c.replaceAll('"', '""')}"` : c)).join('\t')).join('\n')

const cell = (page, row, column) => page.locator(`[data-at="${row}.${column}"]`)
const rows = (page) => page.evaluate(async () => (await (await fetch('/api/v1/registers/water_sample/records')).json()).rows)

async function form(page) {
  await test('a register that no code has heard of has its list and its form', async () => {
    await go(page, register)
    must((await page.locator('#main h1').innerText()) === '水样', await page.locator('#main h1').innerText())
    await page.getByRole('button', { name: '新增' }).click()
    await page.fill('#field-well', '老井')
    await page.fill('#field-taken', '2023-05-30')
    await page.keyboard.press('Enter')
    await page.locator('.trial', { hasText: '采样日期不能晚于今天' }).waitFor() // a check of the register, before anything is saved
    await page.fill('#field-taken', '2022-05-30')
    await page.keyboard.press('Enter')
    await page.fill('#field-taker', '李四')
    await page.fill('#field-chlorine', '0.5')
    await page.getByRole('button', { name: '保存', exact: true }).last().click()
    await page.waitForURL(/water_sample\/\d+/)
    await settled(page)
    const said = await page.locator('#main').innerText()
    must(said.includes('老井') && said.includes('***') && !said.includes('李四'), said)
  }, page)
  await test('a sealed cell opens for a purpose that is asked, and is closed again after a reload', async () => {
    await page.getByRole('button', { name: '查看密封信息' }).click()
    await page.locator('.el-dialog input').fill('复核采样')
    await page.keyboard.press('Enter')
    await page.getByText('李四').waitFor()
    await page.reload()
    await settled(page)
    must(!(await page.locator('#main').innerText()).includes('李四'), 'it stays open after a reload')
  }, page)
  await test('what was changed by whom stands beside it, before and after', async () => {
    await page.getByRole('button', { name: '修改' }).click()
    await page.fill('#field-well', '新井')
    await page.getByRole('button', { name: '保存', exact: true }).last().click()
    await page.locator('.history del').first().waitFor()
    const said = await page.locator('.history').innerText()
    must(said.includes('老井') && said.includes('新井') && said.includes('demo-tester'), said)
    const { entries } = await api(page, `registers/water_sample/records/${/\d+$/.exec(page.url())[0]}/history`)
    const when = entries[0].at.slice(0, 16).replace('T', ' ')
    must(entries.length === 2 && Math.abs(Date.parse(entries[0].at) - Date.parse((await api(page, 'obligations/summary?rule=-')).at)) < 600_000, `not of now: ${JSON.stringify(entries).slice(0, 300)}`)
    must((await page.locator('.history li').first().innerText()).includes(when.slice(5)) && (await page.locator('.history li').count()) === 2, `${when} is not in ${said}`)
  }, page)
}

async function pasting(page) {
  await test('a paste from a spreadsheet: headers are found by title and synonym, faults stand at their cells', async () => {
    await go(page, register)
    await paste(page, '.grid', tsv(many))
    await page.waitForSelector('.many')
    await settled(page)
    must((await cell(page, 2, 0).inputValue()) === '南井\t带"引号"', await cell(page, 2, 0).inputValue())
    must((await cell(page, 1, 2).getAttribute('aria-invalid')) === 'true', '12 mg/L is let through')
    must((await cell(page, 3, 1).getAttribute('aria-invalid')) === 'true', 'a day that is none is let through')
    must(await cell(page, 0, 5).isDisabled(), 'a column that means nothing is taken')
    await picture(page, 'paste')
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
  }, page)
  await test('a trial keeps nothing and tells each row its fate', async () => {
    const before = (await rows(page)).length
    await page.getByRole('button', { name: '试运行' }).click()
    await page.getByText('将新增').first().waitFor()
    await settled(page)
    must((await rows(page)).length === before, 'the trial kept something')
    must((await page.locator('tr.bad').count()) === 3, `${await page.locator('tr.bad').count()} rows are refused`)
  }, page)
  await test('nothing is lost by a reload', async () => {
    await page.reload()
    await settled(page)
    await page.getByRole('button', { name: '批量录入' }).click()
    await page.waitForSelector('.many')
    must((await cell(page, 3, 1).inputValue()) === '三十号', 'it is gone')
  }, page)
  await test('a paste whose answer was lost is saved again and makes nothing twice, even after a reload', async () => {
    const before = (await rows(page)).length
    page.seen.refused = (status) => status === 0
    const stop = await answerLost(page, '**/records/batch')
    await page.getByRole('button', { name: '保存', exact: true }).last().click()
    await page.locator('.many [role=alert]').waitFor()
    await stop()
    must((await rows(page)).length === before + 1, 'the server did not take the good row')
    await page.reload()
    await settled(page)
    await page.getByRole('button', { name: '批量录入' }).click()
    await page.getByRole('button', { name: '保存', exact: true }).last().click()
    await page.locator('tr.saved').first().waitFor()
    await settled(page)
    must((await rows(page)).length === before + 1, 'the good row is there twice')
    page.seen.refused = () => false
  }, page)
  await test('what is good is saved, what is refused stays and can be mended', async () => {
    const before = (await rows(page)).length
    must((await page.locator('tr.saved').count()) === 1, 'not one row is saved')
    await cell(page, 1, 2).fill('1.2')
    await cell(page, 2, 3).fill('')
    await cell(page, 3, 1).fill('2022-05-30')
    await page.getByRole('button', { name: '保存', exact: true }).last().click()
    await page.waitForFunction(() => document.querySelectorAll('tr.saved').length === 4)
    must((await rows(page)).length === before + 3, 'not three rows more')
    await page.keyboard.press('Escape')
    await page.waitForSelector('.many', { state: 'detached' })
  }, page)
}

async function list(page) {
  await test('filters by the type of a field stand in the address; a view of them follows the account', async () => {
    await go(page, `${register}?well=${encodeURIComponent('东*')}`)
    must((await page.locator('.rows .row').count()) === 1, 'the filter leaves more than one row')
    await page.getByRole('button', { name: /视图/ }).click()
    await page.getByRole('textbox', { name: /视图/ }).fill('东边的井')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: '东边的井', exact: true }).waitFor()
    await page.evaluate(() => (localStorage.clear(), sessionStorage.clear()))
    await go(page, '/me')
    await go(page, register)
    must((await page.locator('.rows .row').count()) === 5, 'not all rows are there')
    await page.getByRole('button', { name: /视图/ }).click()
    await page.getByRole('button', { name: '东边的井', exact: true }).click()
    await settled(page)
    must((await page.locator('.rows .row').count()) === 1, 'the view does not filter')
  }, page)
  await test('a filter by days: the rows of those days, in the address, and after a reload', async () => {
    await go(page, register)
    await page.getByRole('combobox', { name: '添加条件' }).click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: '采样日期' }).click()
    const days = page.locator('.chip .el-range-input')
    const wells = async () => (await page.locator('.rows .row').allInnerTexts()).map((said) => /\S*井/.exec(said)?.[0]).sort().join()
    const ask = async (from, to) => {
      await days.first().fill(from)
      await days.last().fill(to)
      await page.keyboard.press('Enter')
      await page.waitForURL(new RegExp(`taken=${from}\\.\\.${to}`))
      await settled(page)
    }
    await ask('2022-05-28', '2022-05-29')
    must((await wells()) === '东井,西井', await wells())
    await page.reload()
    await days.first().waitFor()
    await settled(page)
    must(/taken=2022-05-28\.\.2022-05-29/.test(page.url()) && (await wells()) === '东井,西井', `after a reload: ${page.url()} ${await wells()}`)
    must((await days.first().inputValue()) === '2022-05-28' && (await days.last().inputValue()) === '2022-05-29', 'the days are not said any more')
    await ask('2022-05-29', '2022-05-29')
    must((await wells()) === '西井', await wells())
    await page.getByRole('button', { name: /^去掉/ }).first().click()
    await page.waitForURL((at) => !at.href.includes('taken='))
    await settled(page)
    must((await page.locator('.rows .row').count()) === 5, 'the filter stays')
  }, page)
  await test('filters by a code from its list, by a region from the tree and by days: the rows that go with them, counted and read', async () => {
    const all = (await api(page, 'registers/contact/records?limit=500&fields=class,found_at')).rows
    const title = Object.fromEntries((await api(page, 'codes/contact_class')).codes.map((c) => [c.code, c.zh]))
    const [street, day] = ['310199002', '2022-05-30']
    must(all.length < 500, 'more than a page')
    /** The rows on the screen are those that the whole list has of them, by number, cell by cell; and so many are told. */
    const holds = async (what, wanted) => {
      await settled(page)
      const want = all.filter(wanted)
      must(want.length && want.length < all.length, `${what}: ${want.length} of ${all.length}`)
      await page.getByText(`共 ${want.length} 条`, { exact: true }).waitFor()
      const heads = (await page.locator('.head .cell').allInnerTexts()).map((one) => one.replace(/ [▲▼⇅]$/, ''))
      const rows = await page.locator('.rows .row').evaluateAll((every) => every.map((e) => [...e.querySelectorAll('.cell')].map((c) => c.innerText.trim())))
      const by = new Map(want.map((r) => [r.number, r]))
      must(rows.length >= Math.min(want.length, 10), `${rows.length} rows`)
      for (const cells of rows) {
        const r = by.get(cells[heads.indexOf('编号')])
        must(r && (!/街/.test(what) || cells[heads.indexOf('地区')].includes('望江街道')) && cells[heads.indexOf('接触者类别')] === title[r.fields.class] && cells[heads.indexOf('排查到时间')].startsWith((r.fields.found_at ?? '').slice(0, 10)), `${what}: ${cells.join(' | ')}`)
      }
    }
    await go(page, '/registers/contact?columns=number,class,found_at,region')
    await page.getByRole('combobox', { name: '添加条件' }).click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: '接触者类别' }).click()
    await page.locator('.chip .el-select').click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: title.secondary }).click()
    await page.waitForURL(/class=secondary/)
    await page.keyboard.press('Escape')
    await holds('class', (r) => r.fields.class === 'secondary')
    await page.locator('.filters .one').first().click()
    await page.locator('.el-tree-node:visible').first().waitFor()
    await page.locator('.el-tree-node__expand-icon:visible').first().click()
    await page.locator('.el-tree-node__content:visible', { hasText: '望江街道' }).click()
    await page.waitForURL(new RegExp(`region=${street}`))
    await holds('class, street 街', (r) => r.fields.class === 'secondary' && r.region.startsWith(street))
    await page.getByRole('combobox', { name: '添加条件' }).click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: '排查到时间' }).click()
    await page.locator('.chip .el-range-input').first().fill(day)
    await page.locator('.chip .el-range-input').last().fill(day)
    await page.keyboard.press('Enter')
    await page.waitForURL(/found_at=2022-05-30/)
    await holds('class, street 街, day', (r) => r.fields.class === 'secondary' && r.region.startsWith(street) && r.fields.found_at?.startsWith(day))
    await page.getByRole('button', { name: '去掉接触者类别' }).or(page.getByRole('button', { name: '去掉 接触者类别' })).first().click()
    await page.waitForURL((at) => !at.href.includes('class='))
    await holds('street 街, day', (r) => r.region.startsWith(street) && r.fields.found_at?.startsWith(day))
  }, page)
  await test('by keyboard alone: from the grid to a record and back', async () => {
    await go(page, '/registers')
    await go(page, register)
    await page.focus('.grid')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(/water_sample\/\d+/)
    await settled(page)
    await page.setViewportSize({ width: 360, height: 800 })
    const out = await overflow(page)
    must(!out.length, out.join('\n'))
  }, page)
}

export async function walk(browser) {
  const page = await signedIn(browser, 'demo-tester')
  for (const part of [form, pasting, list]) await part(page)
  await test('nothing was in the log', async () => must(!page.seen.faults.length, page.seen.faults.join('\n')))
  await page.context().close()
}
