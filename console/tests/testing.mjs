// City-wide testing on the screens: the board of a round follows what happens without being asked; sites by shape and word; a box received by scanning; the instrument's file with
// a row that is wrong; release by another person; the recall list opened for a purpose; who may not is told why.
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { drawnCharts } from './charts.mjs'
import { answerLost, api, axeFaults, go, must, ok, overflow, picture, settled, signedIn, test, tiny } from './house.mjs'

const round = async (page) => (await api(page, 'registers/round/records?state=open&limit=1')).rows[0].id
const text = (page, selector) => page.locator(selector).first().innerText()
/** Swabs of people unknown so far, into a tube of their own at the table of a site. */
async function swabs(page, id, tube, n) {
  const table = (await api(page, 'registers/site_table/records?state=open&limit=1')).rows[0].id
  const made = await api(page, 'sampling/swabs', { method: 'POST', body: { table, round: id, size: n, tube, swabs: Array.from({ length: n }, (_, i) => ({ temporary: `${tube}-${i}` })) } })
  must(made.created === n, JSON.stringify(made))
}

async function board(browser) {
  const page = await signedIn(browser, 'demo-command')
  const sampler = await signedIn(browser, 'demo-sampler')
  await go(sampler, '/testing')
  await test('the board of a round: coverage, pace, tubes, positives, streets, stages, queues, stuck tubes', async () => {
    await go(page, '/testing')
    for (const words of ['覆盖率', '近一小时采样', '预计出齐结果', '阳性管', '各街道覆盖', '在途与用时', '排队拥堵', '滞留最久的管', '谁还没采']) await page.getByText(words).first().waitFor()
    await page.locator('.finish dd').first().waitFor()
    must((await text(page, '.coverage strong')).endsWith('%'), await text(page, '.coverage strong'))
    await page.locator('.behind').first().waitFor()
    await picture(page, 'testing-board')
  }, page)
  await test('a tube filled at a table is on the board without a question by the clock', async () => {
    const before = Number((await text(page, '.swabs strong')).replaceAll(',', ''))
    const asked = page.seen.requests.length
    await page.waitForTimeout(1500)
    must(page.seen.requests.length === asked, `asked while nothing happened: ${page.seen.requests.slice(asked).join(' ')}`)
    await swabs(sampler, await round(sampler), 'WALK0001', 5)
    await page.waitForFunction((n) => Number(document.querySelector('.swabs strong')?.textContent?.replaceAll(',', '')) >= n + 5, before, { timeout: 30000 })
  }, page)
  await test('who has not been tested: a street, its buildings, the people of one, and why noted by the keyboard', async () => {
    await settled(page)
    await page.locator('section.loop table a').first().click()
    await page.locator('.scroll .n.strong').first().waitFor()
    const person = sampler
    await go(person, page.url().split('#')[1])
    const n = person.locator('.scroll .n.strong').first()
    await n.waitFor()
    const before = Number(await n.innerText())
    await n.focus()
    await person.keyboard.press('Enter')
    const one = person.locator('.people li .el-select').first()
    await one.waitFor()
    await one.locator('input').focus()
    await person.keyboard.press('Enter')
    await person.locator('.el-select-dropdown__item:visible').first().waitFor()
    await person.keyboard.press('ArrowDown')
    await person.keyboard.press('Enter')
    await person.locator('.people li .good').first().waitFor()
    await settled(person)
    must((await person.locator('.scroll').last().innerText()).length > 0 && before > 0, 'nobody was missing')
    const faults = [...(await axeFaults(person)), ...(await axeFaults(page))]
    must(!faults.length, faults.join('\n'))
    await picture(person, 'testing-missing')
  }, sampler)
  await test('the wall: dark, nothing scrolls, Escape leaves it', async () => {
    await page.setViewportSize({ width: 1920, height: 1080 })
    await go(page, '/testing?wall=1')
    await page.locator('.board.wall .finish dd').first().waitFor()
    await settled(page, 400)
    const out = await page.evaluate(() => {
      const wall = document.querySelector('.wall')
      return wall.scrollHeight - wall.clientHeight
    })
    must(out <= 2, `it scrolls by ${out} px`)
    const small = await tiny(page, 17.4, '.wall') // 11 mm on 55 inches
    must(!small.length, small.join('; '))
    await picture(page, 'testing-wall')
    await page.keyboard.press('Escape')
    await page.waitForSelector('.board:not(.wall)')
    await page.setViewportSize({ width: 1440, height: 900 })
  }, page)
  await page.context().close()
  await sampler.context().close()
}

async function sites(browser) {
  const page = await signedIn(browser, 'demo-sampler')
  await test('the map of the sites names every street, on a phone, at a desk and at 4K', async () => {
    for (const width of [360, 1440, 3840]) {
      await page.setViewportSize({ width, height: width > 1440 ? 2160 : 800 })
      await go(page, '/testing/sites')
      await page.locator('.chart canvas').first().waitFor()
      await settled(page)
      const words = (await drawnCharts(page)).flatMap((one) => one.words)
      for (const street of ['望江街道', '枫林街道', '云溪街道']) must(words.includes(street), `${width}: ${street} is not among ${words.join(' ')}`)
    }
    await page.setViewportSize({ width: 1440, height: 900 })
  }, page)
  await test('sites: those where one waits longest first, by shape and word; a queue told by hand is there', async () => {
    await go(page, '/testing/sites')
    await page.getByText('▲').first().waitFor()
    must((await text(page, 'tbody .queue')).includes('拥堵'), await text(page, 'tbody .queue'))
    await page.locator('tbody .name').last().click()
    await page.locator('.near form input').first().fill('7')
    await page.locator('.near form input').nth(1).fill('3')
    await page.reload()
    await page.locator('.near form input').first().waitFor()
    must((await page.locator('.near form input').first().inputValue()) === '7', 'what was typed is gone after a reload')
    page.seen.refused = (status) => status === 0
    const stop = await answerLost(page, '**/registers/queue_report/records')
    await page.locator('.near form').getByRole('button').click()
    await page.locator('.near [role=alert]').waitFor()
    await stop()
    await page.locator('.near form').getByRole('button').click()
    await page.waitForFunction(() => document.querySelector('.near dl')?.textContent?.includes('3 分'), null, { timeout: 20000 })
    must((await page.locator('.near [role=alert]').count()) === 0, 'sent twice it is refused')
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    await picture(page, 'testing-site')
  }, page)
  await test('staggered calling: how many of each street for each half hour, as the forecast says', async () => {
    const id = await round(page)
    const area = (await api(page, `testing/rounds/${id}/forecast`)).plan.areas.find((a) => a.called?.[0])
    await page.getByText('错峰叫号').first().waitFor()
    must((await page.locator('section').filter({ hasText: '错峰叫号' }).locator('tbody tr').count()) > 0 && area, 'nobody is called')
  }, page)
  await test('on paper: numbers of tubes given and printed as PDF, the typed sheet taken in with what was refused', async () => {
    await page.getByRole('button', { name: '发管码' }).click()
    const link = page.locator('a.el-button--primary')
    await link.waitFor()
    const pdf = await page.evaluate(async (at) => {
      const got = await fetch(at)
      return { status: got.status, type: got.headers.get('Content-Type'), bytes: (await got.arrayBuffer()).byteLength }
    }, await link.getAttribute('href'))
    must(pdf.status === 200 && pdf.type === 'application/pdf' && pdf.bytes > 1000, JSON.stringify(pdf))
    const file = join(tmpdir(), `typed-${process.pid}.csv`)
    const number = (await link.innerText()).match(/P\d+-\d+-\d+/)[0]
    writeFileSync(file, `管码,姓名,证件号码,临时号,采样时间\n${number},纸某,,WALK-${process.pid},16:05\n,无名,110105194912310021,,16:06\n`)
    await page.setInputFiles('form input[type=file]', file)
    await page.getByRole('button', { name: '补录', exact: true }).click()
    await page.locator('.answer').getByText('身份证号校验码错误').waitFor()
    must((await text(page, '.answer')).includes('新登记 1'), await text(page, '.answer'))
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    await picture(page, 'testing-paper')
  }, page)
  await page.context().close()
}

async function laboratory(browser) {
  const page = await signedIn(browser, 'demo-laboratory')
  await test('a box received by scanning: what lacks and what is extra is told', async () => {
    await go(page, '/testing/laboratory')
    await page.getByRole('button', { name: 'B0042' }).click()
    await page.locator('.tubes li').first().waitFor()
    const tubes = await page.locator('.tubes li a').allInnerTexts()
    const other = (await api(page, 'laboratory/boxes?limit=100')).boxes.find((b) => b.barcode !== 'B0042' && b.state !== 'received' && b.listed > b.here)
    const extra = (await api(page, `laboratory/boxes/${other.id}`)).manifest.find((m) => m.outcome !== 'received').barcode
    await page.locator('textarea').fill([...tubes.slice(1), extra, 'NEVER1'].join('\n'))
    await page.getByText('清单外 2 管').waitFor()
    await page.locator('textarea').locator('xpath=ancestor::form').getByRole('button').click()
    await page.locator('.report').first().waitFor()
    const said = await text(page, '.report')
    must(said.includes(tubes[0]) && said.includes('缺') && said.includes('NEVER1') && said.includes('没有该管码'), said)
    must(said.includes(extra) && said.includes(`清单在转运箱 ${other.barcode}`), said)
    await page.locator('.tubes li.missing').first().waitFor()
    await page.locator('ul.extra li').filter({ hasText: extra }).waitFor()
  }, page)
  await test('the instrument\'s file: a row that is wrong comes back with its reason, the plate is drawn with controls and Ct', async () => {
    const file = join(tmpdir(), `plate-${process.pid}.csv`)
    const tubes = (await page.locator('.tubes li.received a').allInnerTexts()).slice(0, 3)
    writeFileSync(file, ['孔位,样本编号,样本类型,ORF1ab Ct,N Ct,内标', 'A1,NC,阴性对照,NoCt,NoCt,25.1', 'B1,PC,阳性对照,27.3,26.9,25.4', `C1,${tubes[0]},样本,31.2,30.4,24.2`, `D1,${tubes[1]},样本,NoCt,NoCt,24.8`, `E1,${tubes[2]},样本,abc,NoCt,24.8`].join('\n'))
    await page.setInputFiles('input[type=file]', file)
    await page.fill('#run-plate', 'WALK')
    await page.getByRole('button', { name: '提交', exact: true }).click()
    await page.getByText('结果尚未告知任何人').waitFor()
    const said = await page.locator('.report').last().innerText()
    must(said.includes(tubes[2]) && said.includes('未接受'), said)
    await page.getByRole('heading', { name: 'WALK 板' }).waitFor()
    const well = page.locator('td[role=gridcell]').filter({ hasText: '+' }).first()
    await well.focus()
    must((await text(page, '.told')).includes('31.20'), await text(page, '.told'))
    for (let i = 0; i < 2; i++) await page.keyboard.press('ArrowUp')
    must((await text(page, '.told')).includes('阴性质控'), await text(page, '.told'))
    await page.getByText('审核人不能是检测人本人').waitFor()
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    await picture(page, 'testing-plate')
  }, page)
  await page.context().close()
  const second = await signedIn(browser, 'demo-tester')
  await test('another person releases it, asked once more', async () => {
    await go(second, '/testing/laboratory')
    await second.getByRole('button', { name: 'WALK', exact: true }).click()
    await second.getByRole('button', { name: /审核发布 2 管/ }).click()
    await second.getByRole('button', { name: '确认发布' }).click()
    await second.getByText('召回 1 管').first().waitFor()
    await settled(second)
    must((await second.getByText('已全部发布').count()) > 0, 'the run does not say that it was released')
  }, second)
  await second.context().close()
}

async function recall(browser) {
  const page = await signedIn(browser, 'demo-tracer')
  await test('the recall list: no name before a purpose is said, then names, addresses and what is owed, made for paper', async () => {
    await go(page, '/testing/recall')
    await page.getByText('未接报').first().waitFor()
    must((await page.locator('.list').count()) === 0, 'names stand there without a purpose')
    await page.getByRole('button', { name: /打开 \d+ 管的人员名单/ }).click()
    await page.getByRole('textbox', { name: /查看/ }).or(page.locator('.el-dialog input')).first().fill('召回')
    await page.locator('.el-dialog').getByRole('button').last().click()
    await page.locator('.list tbody tr').first().waitFor()
    await page.waitForFunction(() => !document.querySelector('.scroll')?.textContent?.includes('未接报'), null, { timeout: 20000 })
    must((await text(page, '.list')).includes('待办'), await text(page, '.list'))
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    await picture(page, 'testing-recall')
    await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')))
    must((await page.locator('.sums').isVisible()) === false && (await page.locator('.list .only-paper').first().isVisible()), 'it is not made for paper')
    await picture(page, 'testing-recall-paper')
    await page.evaluate(() => window.dispatchEvent(new Event('afterprint')))
  }, page)
  await test('that it was opened stands in the journal', async () => {
    const auditor = await signedIn(browser, 'demo-auditor')
    await go(auditor, '/admin')
    await auditor.getByText('召回').first().waitFor()
    await auditor.context().close()
  })
  await page.context().close()
}

async function others(browser) {
  const page = await signedIn(browser, 'demo-laboratory')
  page.seen.refused = (status) => status === 403
  await test('the laboratory may not open names, and is told so', async () => {
    await go(page, '/testing/recall')
    must(await page.getByRole('button', { name: /人员名单/ }).isDisabled(), 'it may')
  }, page)
  await page.context().close()
  const police = await signedIn(browser, 'demo-police')
  police.seen.refused = (status) => status === 403
  await test('another role is told why it may not see a round', async () => {
    await go(police, '/testing')
    await police.locator('[role=alert]').first().waitFor()
    must(!(await police.locator('nav.rail').innerText()).includes('全员检测'), 'it stands in the menu')
  }, police)
  await police.context().close()
}

async function planner(browser) {
  const page = await signedIn(browser, 'demo-command')
  await test('a city of 25 million planned: the rules staff it, the sliders reach it, the answer follows what was set', async () => {
    await go(page, '/testing/planner')
    await page.locator('.figures strong').first().waitFor()
    const asked = []
    page.on('request', (r) => r.url().endsWith('/testing/plan') && asked.push(r.postDataJSON()))
    const answer = () => page.waitForResponse((r) => r.url().endsWith('/testing/plan') && r.status() === 200 && r.request().postDataJSON().tubes_per_day === 4000000)
    const told = answer()
    await page.fill('#plan-people', '25000000')
    await page.getByRole('button', { name: '按人数标准配备' }).click()
    await page.fill('#plan-tubes_per_day', '4000000')
    const plan = await (await told).json()
    const last = asked.at(-1)
    must(last.people === 25000000 && last.samplers === 69445 && last.tables === 35715 && last.couriers === 1667, JSON.stringify(last))
    must(plan.tubes === 2500000 && plan.finish_hours.best < 24 && plan.bottleneck === 'laboratories', JSON.stringify(plan.finish_hours))
    await page.waitForFunction((h) => document.querySelector('.figures strong')?.textContent?.includes(h), plan.finish_hours.p50.toFixed(1))
    must((await page.locator('.right .chart').getAttribute('aria-label')).includes(plan.finish_hours.best.toFixed(1)), 'the picture is of another plan')
    const slider = page.locator('input[type=range]').first()
    must((await slider.getAttribute('aria-valuetext')) === '25000000', 'the slider does not reach it')
    await slider.focus()
    await page.keyboard.press('ArrowRight')
    must((await page.inputValue('#plan-people')) === '30000000', await page.inputValue('#plan-people'))
    await page.keyboard.press('Home')
    must((await page.inputValue('#plan-people')) === '1000', await page.inputValue('#plan-people'))
    await page.fill('#plan-people', '25665000')
    const row = (n) => page.locator('tbody tr').filter({ has: page.getByRole('rowheader', { name: n, exact: true }) })
    await row('1').getByText('25,665,000').waitFor()
    const missed = async (n) => Number((await row(n).locator('td').nth(3).innerText()).replaceAll(',', ''))
    must((await missed('20')) > (await missed('1')) && (await missed('1')) > 0, 'nobody is missed')
    const said = await api(page, 'testing/pooling?prevalence=0.0001&people=25665000&sizes=1,10,20')
    for (const p of said.sizes) must((await row(String(p.size)).innerText()).includes(p.missed.toFixed(1)) && (await row(String(p.size)).getByText('方案不许').count()) === (p.forbidden ? 1 : 0), `${p.size}: ${await row(String(p.size)).innerText()}`)
    await row('5').getByRole('button', { name: '按 5 人测算' }).click()
    must((await page.inputValue('#plan-people_per_tube')) === '5', 'the size is not taken')
    await page.route('**/testing/pooling?*', async (route) => {
      const got = await route.fetch()
      await route.fulfill({ response: got, json: { ...(await got.json()), pooling_max: 4 } })
    })
    await page.fill('#plan-people_per_tube', '6')
    await page.locator('.right [role=alert]').filter({ hasText: '至多 4 人' }).waitFor() // a plan that allows fewer warns
    await settled(page)
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    await picture(page, 'testing-planner')
  }, page)
  await page.context().close()
}

async function narrow(browser) {
  const page = await signedIn(browser, 'demo-tester', { width: 360, height: 800 })
  for (const path of ['/testing', '/testing/sites', '/testing/laboratory', '/testing/recall']) {
    await go(page, path)
    const out = await overflow(page)
    ok(!out.length, `${path}: nothing stands out at 360`, out)
  }
  await page.context().close()
}

export async function walk(browser) {
  await board(browser)
  await sites(browser)
  await laboratory(browser)
  await recall(browser)
  await others(browser)
  await planner(browser)
  await narrow(browser)
}
