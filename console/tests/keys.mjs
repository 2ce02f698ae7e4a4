// Everything by the keyboard alone: no step of this walk points at anything. The focus is never lost, always in sight, nowhere caught; what opens takes it and gives it back.
import { api, focused, go, must, ok, open, patience, people, picture, purposeGiven, settled, signedIn, test, url } from './house.mjs'
import { examples, filled, lookers, routes } from './screens.mjs'

/** Something has the focus, at the latest when what closed is out of sight. */
export async function held(page, after) {
  for (const until = Date.now() + 5000 * patience; Date.now() < until && !(await focused(page)); ) await page.waitForTimeout(50)
  must(await focused(page), `${after}: nothing has the focus`)
}
/** Presses one key after another; after each something has the focus. */
export async function press(page, ...keys) {
  for (const key of keys) {
    await page.keyboard.press(key)
    await settled(page, 50)
    await held(page, key)
  }
}
/** Goes on with Tab, or back with Shift+Tab, until this has the focus. */
export async function to(page, what, back = false) {
  const goal = typeof what === 'string' ? page.locator(what).first() : what.first()
  await goal.waitFor()
  for (let i = 0; i < 150; i++) {
    if (await goal.evaluate((e) => e === document.activeElement || (e.contains(document.activeElement) && !e.matches('[role=grid], [role=dialog], main')))) return
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab')
  }
  throw new Error(`${what} is not reached with Tab; at ${await focused(page)}`)
}
const button = (page, name) => page.getByRole('button', { name })

/** Runs in the page: remembers how everything looks that gets the focus, with it and without. */
function watchFocus() {
  const looks = (e) => {
    const out = []
    for (let at = e, i = 0; at && i < 4; at = at.parentElement, i++) {
      const s = getComputedStyle(at)
      out.push(s.outlineStyle === 'none' || s.outlineWidth === '0px' ? '' : `${s.outlineStyle} ${s.outlineWidth} ${s.outlineColor}`, s.boxShadow, s.borderColor, s.backgroundColor)
    }
    // a control of Element Plus draws what its hidden input has
    const drawn = e.parentElement?.querySelector('.el-checkbox__inner, .el-radio__inner, .el-radio-button__inner, .el-switch__core, .el-slider__button')
    if (drawn) out.push(getComputedStyle(drawn).boxShadow, getComputedStyle(drawn).outlineStyle, getComputedStyle(drawn).borderColor)
    return out.join('|')
  }
  const name = (e) => `${e.tagName.toLowerCase()}.${String(e.className?.baseVal ?? e.className).split(' ').join('.')} "${(e.getAttribute('aria-label') ?? e.textContent ?? '').trim().slice(0, 30)}"`
  const tour = { seen: [], faults: [], last: null, look: '' }
  window.tour = tour
  /** What opens is out of sight for a moment: 'later', unless it is the last look. */
  tour.step = (last = true) => {
    const e = document.activeElement
    const around = e?.closest('label, .el-select, .el-checkbox, .el-radio, .el-radio-button, .el-switch, .el-slider') ?? e
    const at = around?.getBoundingClientRect()
    const hidden = e && e !== document.body && !e.closest('[role=grid]') && (at.width < 2 || at.height < 2 || at.bottom <= 0 || at.top >= innerHeight || at.right <= 0 || at.left >= innerWidth)
    if (hidden && !last) return 'later'
    if (tour.last && tour.last !== e && tour.last.isConnected && !tour.lined && looks(tour.last) === tour.look) tour.faults.push(`no sign of the focus on ${name(tour.last)}`)
    if (!e || e === document.body) return (tour.last = null)
    if (hidden) tour.faults.push(`out of sight: ${name(e)} ${JSON.stringify(at)}`)
    tour.look = looks(e)
    tour.lined = /^(solid|auto)/.test(getComputedStyle(e.parentElement?.querySelector('.el-radio-button__inner') ?? e).outlineStyle)
    tour.last = e
    tour.seen.push(e)
    return true
  }
  /** What can be used and was not come to; groups of radios and what moves by arrow keys have one stop. */
  tour.missed = () => {
    const stops = new Set(tour.seen)
    const within = (e) => tour.seen.some((s) => s === e || (s.closest('[role=grid], [role=radiogroup]') && s.closest('[role=grid], [role=radiogroup]') === e.closest('[role=grid], [role=radiogroup]')) || (s.type === 'radio' && s.name && s.name === e.name))
    const own = [...document.querySelectorAll('a[href], button, input, select, textarea, [tabindex="0"], [role=button], summary')].filter((e) => !e.disabled && e.tabIndex >= 0 && e.type !== 'hidden' && e.checkVisibility({ visibilityProperty: true }) && !e.closest('[aria-hidden=true], .el-popper'))
    const out = own.filter((e) => !stops.has(e) && !within(e)).map((e) => `not come to with Tab: ${name(e)}`)
    // what hears a click and cannot be come to, nor stands in or round something that can
    const hears = (e) => Object.getOwnPropertySymbols(e).some((s) => s.description === '_vei' && e[s]?.onClick)
    for (const e of document.querySelectorAll('#app *'))
      if (hears(e) && e.checkVisibility() && e.tabIndex < 0 && !e.closest('a[href], button, label, [tabindex="0"], [role=grid]') && !e.querySelector('a[href], button, input, [tabindex="0"]') && !e.matches('.el-tag, .el-select__wrapper, .el-select__wrapper *, .el-date-editor *') && !e.closest('tr[tabindex]')) out.push(`only for the mouse: ${name(e)}`)
    return [...new Set(out)]
  }
}
/** From the head of a screen to its end with Tab: each stop in sight and marked, none lost, none caught, all that can be used come to. */
async function tour(page, name) {
  await page.evaluate(watchFocus)
  await page.evaluate(() => (document.querySelector('.skip').focus(), window.tour.step()))
  const most = 400
  let i = 0
  for (; i < most; i++) {
    await page.keyboard.press('Tab')
    let stop
    for (let looks = 0; (stop = await page.evaluate((last) => window.tour.step(last), looks === 20)) === 'later'; looks++) await page.waitForTimeout(25)
    if (!stop) break
  }
  const said = await page.evaluate(() => ({ n: window.tour.seen.length, faults: [...new Set([...window.tour.faults, ...window.tour.missed()])] }))
  if (i >= most) said.faults.push(`still on the way after ${most} stops`)
  ok(said.n > 0 && !said.faults.length, `${name}: ${said.n} stops by Tab, each in sight, none missed`, said.faults)
}

/** A choice of Element Plus by its label: opened, gone down, taken. */
async function choose(page, what, down = 1) {
  await to(page, what)
  await press(page, 'Enter')
  await page.locator('.el-select-dropdown:visible').first().waitFor()
  await press(page, ...Array(down).fill('ArrowDown'), 'Enter')
}
const combo = (page, name) => page.getByRole('combobox', { name })
const row = (page, i) => page.locator(`#duty-${i}`)
const on = (locator) => locator.evaluate((e) => e === document.activeElement)
const fromTop = (page) => page.evaluate(() => document.querySelector('#main').focus())

async function signing(browser) {
  const page = await open(browser)
  page.seen.refused = (status) => status === 401
  await test('signing in: the first field has the focus, Enter goes on, the screen takes it', async () => {
    await page.goto(`${url}/#/work`)
    await page.waitForSelector('#login')
    await settled(page)
    must(await on(page.locator('#login')), `it is at ${await focused(page)}`)
    await page.keyboard.type('demo-intake')
    await to(page, '#password')
    await page.keyboard.type(people['demo-intake'])
    await page.keyboard.press('Enter')
    await page.waitForSelector('#main h1')
    await settled(page)
    await page.keyboard.press('Tab')
    must(await focused(page), 'nothing has the focus')
  }, page)
  await test('the first stop leads past the menu', async () => {
    await page.reload()
    await page.waitForSelector('#main h1')
    await settled(page)
    await press(page, 'Tab')
    must(await on(page.locator('.skip')), await focused(page))
    const box = await page.locator('.skip').boundingBox()
    must(box.x >= 0 && box.y >= 0, 'it is out of sight')
    await press(page, 'Enter')
    must(await on(page.locator('#main')) && page.url().endsWith('#/work'), `${await focused(page)} ${page.url()}`)
  }, page)
  await page.context().close()
}

async function help(browser) {
  for (const [lang, all] of [['zh', /下一项[\s\S]*上一项[\s\S]*打开记录[\s\S]*选择[\s\S]*全选[\s\S]*落位[\s\S]*移交/], ['en', /next[\s\S]*hand over/i]]) {
    const page = await signedIn(browser, 'demo-intake', { lang })
    await test(`? tells every key of a screen, ${lang}`, async () => {
      await go(page, '/registers') // the day of an intake begins at my work: another screen first
      await go(page, '/work')
      await press(page, '?')
      const said = await page.locator('.el-dialog:visible').innerText()
      must(all.test(said), said)
      for (const key of ['j ↓', 'k ↑', 'Enter', 'x', 'X', 'l', 'd', 'p', 't', 'c', 'r', 's', 'f', 'h', 'Esc', '?']) must(said.split('\n').includes(key), `"${key}" is not told in\n${said}`)
      await press(page, 'Escape')
      await go(page, '/registers/place')
      await press(page, '?')
      must((await page.locator('.el-dialog:visible dt').count()) >= 10, await page.locator('.el-dialog:visible').innerText())
      await press(page, 'Escape')
    }, page)
    await page.context().close()
  }
}

async function work(page) {
  await test('my work: from duty to duty, a letter acts, what opens gives the focus back to the duty', async () => {
    await go(page, '/work')
    await fromTop(page)
    await press(page, 'j', 'j', 'k')
    must(await on(row(page, 0)), await focused(page))
    await press(page, 'h')
    must(await page.locator('.el-dialog:visible').evaluate((e) => e.contains(document.activeElement)), await focused(page))
    await press(page, 'Escape')
    must(await on(row(page, 0)), await focused(page))
  }, page)
  await test('each act has its letter: locate, place, test, check, release, sign, five duties, done', async () => {
    const opened = new Set()
    for (const register of ['case', 'contact', 'stay', 'test', 'measure', '']) {
      await go(page, `/work${register ? `?register=${register}` : ''}`)
      const n = Math.min(4, await page.locator('.duties tbody tr').count())
      if (!n) continue
      await fromTop(page)
      for (let i = 0; i < n; i++) {
        await press(page, 'j')
        for (const key of ['l', 'p', 't', 'c', 'r', 's', 'f', 'd'].filter((k) => !opened.has(k))) {
          await press(page, key)
          if (!(await page.locator('.el-dialog:visible').count())) continue
          opened.add(key)
          await press(page, 'Escape')
          must(await on(row(page, i)), `${key}: ${await focused(page)}`)
        }
      }
    }
    for (const key of ['l', 'p', 't', 'd']) must(opened.has(key), `${key} opened nothing; ${[...opened].join()} did`)
  }, page)
  await test('a selection handed over: what is done leaves the focus in the list, and the next duty can be worked', async () => {
    await go(page, '/work?register=contact')
    await fromTop(page)
    await press(page, 'j', 'x', 'j', 'x')
    must((await page.locator('.duties tr.chosen').count()) === 2, 'not two are chosen')
    await press(page, 'h')
    await to(page, '#hand-to')
    const answer = page.waitForResponse((r) => r.url().includes('/organisation/records') && r.url().includes('title='))
    await page.keyboard.type('县')
    await answer
    await settled(page)
    await press(page, 'ArrowDown', 'Enter')
    await to(page, '#hand-why')
    await page.keyboard.type('夜班交接')
    await to(page, page.locator('.el-dialog:visible').getByRole('button', { name: /^移交/ }))
    await press(page, 'Enter')
    await page.locator('.results').waitFor()
    await settled(page)
    must(await focused(page), 'nothing has the focus after it was sent')
    await to(page, page.locator('.el-dialog:visible').getByRole('button', { name: '完成' }))
    await press(page, 'Enter')
    await settled(page)
    must(await page.locator('.duties').evaluate((e) => e.contains(document.activeElement)), await focused(page))
  }, page)
  await test('a list that comes in another order keeps the focus on its duty', async () => {
    await go(page, '/me')
    await go(page, '/work?unit=all')
    await fromTop(page)
    await press(page, 'j', 'j', 'j')
    const at = () => page.evaluate(() => document.activeElement.querySelector?.('a')?.getAttribute('href') + (document.activeElement.querySelector?.('.title')?.textContent ?? ''))
    const before = await at()
    must(await on(row(page, 2)), await focused(page))
    let turned = 0
    await page.route(/\/api\/v1\/obligations\?/, async (route) => {
      const answer = await route.fetch()
      const list = await answer.json()
      list.obligations.reverse()
      turned = list.obligations.length
      await route.fulfill({ response: answer, json: list })
    })
    const one = (await api(page, 'registers/contact/records?limit=1&sort=id')).rows[0]
    await api(page, `registers/contact/records/${one.id}`, { method: 'PATCH', body: { fields: { note: `次序 ${Date.now()}` } } })
    await page.waitForFunction(() => Number(document.querySelector('.duties tr.here')?.id.slice(5)) > 2)
    must(turned > 6 && (await at()) === before, `${before} had it, now ${await focused(page)}`)
    await page.unrouteAll({ behavior: 'wait' })
    await press(page, 'k')
    must((await at()) !== before && /^tr#duty-/.test(await focused(page)), await focused(page))
  }, page)
  await test('Enter opens the record; back again the same duty has the focus', async () => {
    await go(page, '/work')
    await fromTop(page)
    await press(page, 'j', 'j', 'j')
    const at = await page.evaluate(() => document.activeElement.querySelector('a').getAttribute('href'))
    await press(page, 'Enter')
    must(!page.url().includes('/work'), page.url())
    await page.goBack() // as Alt and the left arrow do
    await page.waitForSelector('.duties')
    await settled(page)
    must((await page.evaluate(() => document.activeElement.querySelector('a')?.getAttribute('href'))) === at, await focused(page))
  }, page)
}

async function grid(browser) {
  const page = await signedIn(browser, 'demo-isolator')
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await test('a register: moved through, chosen, opened, and back at the same row', async () => {
    await go(page, '/registers/place')
    await fromTop(page)
    await to(page, '.grid')
    await press(page, 'j', 'j', 'ArrowDown', ' ')
    must((await page.locator('.row.ticked').count()) === 1, 'nothing is chosen')
    await page.getByRole('button', { name: '导出所选 1 条' }).waitFor()
    await press(page, 'Enter')
    await page.waitForURL(/place\/\d+/)
    await settled(page)
    await page.goBack() // as Alt and the left arrow do
    await page.waitForSelector('.grid')
    await settled(page)
    must((await on(page.locator('.grid'))) && (await page.locator('.row.here').getAttribute('aria-rowindex')) === '5', `${await focused(page)} ${await page.locator('.row.here').getAttribute('aria-rowindex')}`)
  }, page)
  await test('columns and filters: a column goes and comes, a region from its tree, a code from its list', async () => {
    const columns = await page.locator('.head .cell').count()
    await to(page, button(page, '列'), true)
    await press(page, 'Enter', 'Tab', 'Tab', ' ')
    must((await page.locator('.head .cell').count()) !== columns, 'no column has changed')
    await press(page, ' ', 'Escape')
    must(await on(button(page, '列').first()), await focused(page))
    await to(page, combo(page, '选择地区'), true)
    await press(page, 'Enter')
    await page.locator('.el-tree-node:visible').first().waitFor()
    await press(page, 'ArrowDown', 'ArrowRight')
    await settled(page)
    await press(page, 'ArrowDown', 'Enter')
    await settled(page)
    must(/region=\d+/.test(page.url()), `${page.url()} ${await focused(page)}`)
    must(await focused(page), 'nothing has the focus')
    await to(page, combo(page, '添加条件'))
    await page.keyboard.type('类型')
    await press(page, 'ArrowDown', 'Enter')
    const kind = page.locator('.chip').getByRole('combobox')
    await to(page, kind)
    await press(page, 'Enter')
    await page.locator('.el-select-dropdown:visible').first().waitFor()
    await press(page, 'ArrowDown', 'Enter', 'Escape')
    must(/kind=[\w-]+(&|$)/.test(page.url()), `${page.url()} ${await focused(page)}`)
  }, page)
  await test('a table copied elsewhere is pasted into the grid, mended and left again', async () => {
    await go(page, '/registers/place')
    await fromTop(page)
    await to(page, '.grid')
    await page.evaluate(() => navigator.clipboard.writeText('名称\t核定容量\n一号楼\t30\n二号楼\t40'))
    await press(page, 'Control+v')
    await page.locator('[data-at="1.0"]').waitFor()
    must(await page.locator('.many').evaluate((e) => e.contains(document.activeElement)), await focused(page))
    await press(page, 'ArrowDown')
    must(await on(page.locator('[data-at="1.0"]')), await focused(page))
    await page.keyboard.press('Control+a')
    await page.keyboard.type('三号楼')
    await press(page, 'Enter')
    must((await page.locator('[data-at="1.0"]').inputValue()) === '三号楼', 'it is not taken')
    await press(page, 'Escape')
    await page.locator('.many').waitFor({ state: 'detached' })
    must(await on(page.locator('.grid')), await focused(page))
  }, page)
  await test('a cell of a record is changed and saved; the focus is in the record again', async () => {
    await press(page, 'Enter')
    await page.waitForURL(/place\/\d+/)
    await settled(page)
    await to(page, button(page, '修改'))
    await press(page, 'Enter')
    await to(page, '#field-capacity')
    await page.keyboard.press('Control+a')
    await page.keyboard.type('41')
    await press(page, 'Enter')
    await page.locator('.el-drawer').waitFor({ state: 'hidden' })
    await settled(page)
    must(await on(button(page, '修改').first()), await focused(page))
    must((await page.locator('.facts').first().innerText()).includes('41'), 'it was not saved')
  }, page)
  await test('nothing was in the log of the grid', async () => must(!page.seen.faults.length, page.seen.faults.join('\n')))
  await page.context().close()
}

async function others(browser) {
  let page = await signedIn(browser, 'demo-intake')
  await test('an import: the file is chosen, what it is is read, tried', async () => {
    await go(page, '/import')
    const chosen = page.waitForEvent('filechooser') // asked for early: the browser has to be told before the key comes
    await fromTop(page)
    await to(page, '.drop input')
    await page.keyboard.press(' ')
    await (await chosen).setFiles({ name: 'places.csv', mimeType: 'text/csv', buffer: Buffer.from('名称,类型\n键盘楼,community\n') })
    await page.locator('.steps').waitFor()
    await settled(page)
    await to(page, page.locator('.steps button').first())
    await press(page, 'Enter')
    await page.locator('.counts').waitFor()
    await settled(page)
    must(await focused(page), 'nothing has the focus')
  }, page)
  await page.context().close()

  page = await signedIn(browser, 'demo-command')
  await test('plans: another is put beside, what adopting would change is worked out', async () => {
    await go(page, '/policies')
    await fromTop(page)
    await choose(page, combo(page, '与另一方案对照'), 2)
    must(page.url().includes('beside='), page.url())
    await to(page, button(page, '推算'))
    await press(page, 'Enter')
    await page.locator('aside table, aside strong').first().waitFor()
    await settled(page)
    must(await focused(page), 'nothing has the focus when it is done')
  }, page)
  await test('the chain: arrow keys go along it, Enter puts a case in the middle, once more opens it', async () => {
    await go(page, '/tracing/chains')
    await fromTop(page)
    await to(page, '.graph')
    const said = () => page.locator('.told').innerText()
    const before = await said()
    await press(page, 'ArrowDown')
    if ((await said()) === before) await press(page, 'ArrowUp')
    must((await said()) !== before && (await said()).length > 10, await said())
    await press(page, 'Enter')
    await settled(page)
    must(await focused(page), 'nothing has the focus')
    await to(page, '.graph')
    await press(page, 'Enter')
    await page.waitForURL(/tracing\/case/)
  }, page)
  await page.context().close()

  page = await signedIn(browser, 'demo-tracer')
  await test('tracing a case: purpose, stops of its route, contacts chosen and looked at', async () => {
    await go(page, '/me')
    await go(page, `/tracing/case/${(await examples(page)).case}`)
    if (await page.locator('.el-dialog:visible').count()) {
      await page.keyboard.type('流调')
      await press(page, 'Enter')
    }
    await settled(page)
    await fromTop(page)
    for (const chart of ['.route', '.plan']) {
      await to(page, chart)
      const stop = page.locator('[role=status] p.stop')
      await press(page, 'Home')
      const first = await stop.innerText()
      await press(page, 'End')
      must((await stop.innerText()) !== first, `${chart}: End leads nowhere from ${first}`)
      await press(page, 'ArrowLeft')
    }
    if (await page.locator('.contacts .who').count()) {
      await to(page, '.contacts .who')
      await press(page, 'Enter')
      await page.locator('.evidence').first().waitFor()
    }
    await picture(page, 'keys-tracing')
  }, page)
  await page.context().close()

  page = await signedIn(browser, 'demo-reporter')
  const day = '2022-05-27'
  await test('a report is frozen', async () => {
    await go(page, `/reports?day=${day}`)
    await fromTop(page)
    await to(page, button(page, '定稿').last())
    await press(page, 'Enter')
    await page.locator('.way .done').first().waitFor()
    await settled(page)
    must(await focused(page), 'nothing has the focus')
  }, page)
  await page.context().close()
  page = await signedIn(browser, 'demo-approver')
  await test('and approved by another, with a comment', async () => {
    await go(page, `/reports?day=${day}`)
    await fromTop(page)
    await to(page, '#report-comment')
    await page.keyboard.type('已核对')
    await to(page, button(page, '初审通过'))
    await press(page, 'Enter')
    await page.locator('.told li', { hasText: '已核对' }).waitFor()
    await settled(page)
    must(await focused(page), 'nothing has the focus')
  }, page)
  await page.context().close()

  page = await signedIn(browser, 'demo-system')
  await test('administration: an account is locked and unlocked where one stands', async () => {
    await go(page, '/admin?part=accounts')
    await fromTop(page)
    const guest = page.locator('tr', { hasText: 'demo-guest' })
    await to(page, guest.getByRole('button').first())
    for (const words of ['解锁', '锁定']) {
      await press(page, 'Enter')
      await guest.getByRole('button', { name: words, exact: true }).waitFor()
      await settled(page)
      must(await guest.evaluate((e) => e.contains(document.activeElement)), await focused(page))
    }
  }, page)
  await page.context().close()

  page = await signedIn(browser, 'demo-laboratory')
  await test('the laboratory: a run is opened, its plate gone over well by well', async () => {
    await go(page, '/testing/laboratory')
    await fromTop(page)
    await to(page, page.locator('.name.as-link').first())
    await press(page, 'Enter')
    await settled(page)
    must(await focused(page), 'nothing has the focus')
    await to(page, '.plate table td[tabindex="0"]')
    const well = await focused(page)
    await press(page, 'ArrowRight', 'ArrowDown')
    must((await focused(page)) !== well, await focused(page))
  }, page)
  await page.context().close()

  page = await signedIn(browser, 'demo-tracer')
  await test('the recall: a tube is chosen, a purpose given, and its people listed', async () => {
    await go(page, '/testing/recall')
    await fromTop(page)
    await to(page, page.locator('td .el-checkbox').first())
    await press(page, ' ')
    await to(page, button(page, /人员名单/))
    await press(page, 'Enter')
    await page.keyboard.type('召回')
    await press(page, 'Enter')
    await page.locator('section.list').waitFor()
    await settled(page)
    must(await focused(page), 'nothing has the focus')
  }, page)
  await page.context().close()

  page = await signedIn(browser, 'demo-command')
  await test('the planner: a slider moves by arrow keys and the answer follows', async () => {
    await go(page, '/testing/planner')
    await fromTop(page)
    await to(page, 'input[type=range]')
    const was = await page.locator('input[type=range]').first().inputValue()
    await press(page, 'ArrowRight')
    must((await page.locator('input[type=range]').first().inputValue()) !== was, was)
  }, page)
  await page.context().close()
}

async function tours(browser) {
  const pages = new Map()
  const at = async (login) => {
    if (!pages.has(login)) {
      const page = await signedIn(browser, login)
      await page.clock.install()
      pages.set(login, page)
    }
    return pages.get(login)
  }
  const scout = await at('demo-command')
  await go(scout, '/registers')
  const has = await examples(scout)
  for (const { path, name } of routes()) {
    if (name === 'sign-in') continue
    const page = await at((lookers[name] ?? ['demo-command'])[0])
    await go(page, filled(path, has))
    await purposeGiven(page)
    await settled(page, 400) // what is asked for only when the first answer is there comes after a moment of quiet
    await tour(page, name)
    await settled(page)
    const before = page.seen.requests.length
    await page.clock.fastForward('10:00')
    await settled(page)
    const asked = page.seen.requests.slice(before).filter((r) => !/\/events(\?|$)/.test(r))
    ok(!asked.length, `${name}: left alone for ten minutes it asks for nothing`, asked)
  }
  for (const page of pages.values()) await page.context().close()
}

export async function walk(browser) {
  await signing(browser)
  await help(browser)
  const page = await signedIn(browser, 'demo-intake')
  await work(page)
  await test('nothing was in the log of my work', async () => must(!page.seen.faults.length, page.seen.faults.join('\n')))
  await page.context().close()
  await grid(browser)
  await others(browser)
  await tours(browser)
}
