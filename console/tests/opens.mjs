// Everything that opens over a screen, and every form: taken from the source, so that a new one is a failure until it stands here. By the keyboard alone it opens, takes the focus, keeps it
// and gives it back; nothing serious for axe-core in light and dark, wide and on a phone, in both languages; what is typed stays when the server is gone, when the session has ended
// and after a reload.
import { readdirSync, readFileSync } from 'node:fs'

import { api, axeFaults, focused, forget, go, must, ok, people, purposeGiven, settled, signedIn, test } from './house.mjs'
import { press, to } from './keys.mjs'

/** What a text of the Chinese files says in English: a pattern of all that it may be. */
const flat = (o, at = '') => Object.entries(o).flatMap(([k, v]) => (typeof v === 'object' ? flat(v, `${at}${k}.`) : [[at + k, v]]))
const words = (lang) => readdirSync(new URL(`../src/i18n/${lang}/`, import.meta.url)).flatMap((f) => flat(JSON.parse(readFileSync(new URL(`../src/i18n/${lang}/${f}`, import.meta.url), 'utf8')), f))
const english = Object.fromEntries(words('en'))
const chinese = words('zh')
const inEnglish = (zh) => new RegExp(`^(${chinese.flatMap(([key, text]) => (text === zh ? [english[key].replace(/[.*+?^${}()|[\]\\]/g, '\\$&')] : [])).join('|')})$`)
const button = (name) => (page, lang = 'zh') => (typeof name !== 'string' ? page.getByRole('button', { name }) : page.getByRole('button', lang === 'zh' ? { name, exact: true } : { name: inEnglish(name) })).first()
const dialog = '.el-dialog:visible'
const drawer = '.el-drawer:visible'
const first = async (page, address) => (await api(page, `${address}${address.includes('?') ? '&' : '?'}limit=1`)).rows[0].id
/** Somebody whose document another has too. */
const twin = async (page) => {
  const card = () => api(page, 'registers/person/records', { method: 'POST', body: { fields: { name: '孪生', doc_type: 'passport', doc_no: 'E99887766' } } })
  await card()
  return (await card()).id
}
const compared = async (page, lang) => {
  await button('推算')(page, lang).click()
  await page.locator('tr.sum').waitFor()
}
/** `open`: the button that opens it (nothing: it stands on the page); `box`: what opens; `drawn`: open again by itself after a reload; `send`: the button that sends what was typed (nothing: it is only kept, or the walk of tracing
 * proves it). */
const things = [
  { name: 'the keys of a screen', source: 'parts/key-help.vue', login: 'demo-intake', path: '/work', open: button('本页快捷键'), box: dialog },
  { name: 'handing over', source: 'parts/work/act-dialog.vue', login: 'demo-intake', path: '/work', open: button(/^h ?(移交|hand over)/i), box: dialog, fields: 'textarea', to: '移交给', send: /^移交/ },
  { name: 'an act', source: 'parts/work/act-dialog.vue', login: 'demo-intake', path: '/work?register=contact', open: button(/^t ?(登记检测|record a test)/i), box: dialog, send: /^登记检测/ },
  { name: 'a new record', source: 'screens/register.vue', login: 'demo-isolator', path: '/registers/place', open: button('新增'), box: drawer, send: '保存' },
  { name: 'many records', source: 'screens/register.vue', login: 'demo-isolator', path: '/registers/place', open: button('批量录入'), box: drawer, send: '保存' },
  { name: 'export', source: 'parts/export-menu.vue', login: 'demo-isolator', path: '/registers/place', open: button('导出'), box: '.el-dropdown__popper:visible' },
  { name: 'columns', source: 'parts/filter-bar.vue', login: 'demo-isolator', path: '/registers/place', open: button('列'), box: '.drop-box .panel' },
  { name: 'views', source: 'parts/filter-bar.vue', login: 'demo-isolator', path: '/registers/place', open: button(/^(视图|views)/i), box: '.drop-box .panel', send: '保存' },
  { name: 'a record changed', source: 'screens/record.vue', login: 'demo-isolator', path: async (page) => `/registers/place/${await first(page, 'registers/place/records')}`, open: button('修改'), box: drawer, send: '保存' },
  { name: 'the states of a record', source: 'screens/record.vue', login: 'demo-intake', path: async (page) => `/registers/contact/${await first(page, 'registers/contact/records?state=found')}`, open: button('变更状态'), box: '.el-dropdown__popper:visible' },
  { name: 'a purpose', source: 'parts/purpose-ask.vue', login: 'demo-tracer', path: async (page) => `/registers/person/${await first(page, 'registers/person/records')}`, open: button('查看密封信息'), box: dialog },
  { name: 'two made one', source: 'parts/person-file.vue', login: 'demo-intake', path: async (page) => `/registers/person/${await twin(page)}`, open: button('并入此人'), box: dialog, send: '并入此人' },
  { name: 'the purpose of a recall', source: 'screens/testing-recall.vue', login: 'demo-tracer', path: '/testing/recall', open: button(/人员名单|open the members/i), box: dialog },
  { name: 'a case changed', source: 'screens/case.vue', login: 'demo-intake', path: async (page) => `/cases/${await first(page, 'registers/case/records')}`, open: button('修改'), box: drawer, send: '保存' },
  { name: 'the source of a case', source: 'screens/tracing-case.vue', login: 'demo-tracer', path: async (page) => `/tracing/case/${await first(page, 'registers/case/records')}`, ready: purposeGiven, open: button('判定来源'), box: dialog },
  { name: 'a zone', source: 'screens/tracing-places.vue', login: 'demo-tracer', path: '/tracing/places', ready: purposeGiven, open: button('建议划区'), box: dialog },
  { name: 'a notice', source: 'screens/tracing-places.vue', login: 'demo-tracer', path: '/tracing/places', ready: purposeGiven, open: button('拟公众通告'), box: dialog, drawn: true, send: '存为草稿' },
  { name: 'a reply', source: 'screens/tracing-requests.vue', login: 'demo-tracer', path: '/tracing/requests', open: button('回复'), box: dialog },
  { name: 'a request', source: 'screens/tracing-requests.vue', login: 'demo-tracer', path: '/tracing/requests', open: button('登记协查'), box: drawer, send: '保存' },
  { name: 'roles', source: 'parts/admin/account-table.vue', login: 'demo-security', path: '/admin', open: button('角色与区域'), box: dialog, fields: 'input[type=checkbox]', send: '保存' },
  { name: 'the unit of an account', source: 'parts/admin/account-table.vue', login: 'demo-security', path: '/admin', open: button('所属单位'), box: dialog },
  { name: 'the last question before a plan', source: 'parts/policy-adopt.vue', login: 'demo-command', path: '/policies?plan=covid-2022-20', ready: async (page, lang) => (await compared(page, lang), page.fill('#adopt-why', '市指挥部通知')), open: button('采用…'), box: '.el-message-box:visible' },
  { name: 'adopting a plan', source: 'parts/policy-adopt.vue', login: 'demo-command', path: '/policies?plan=covid-2022-20', ready: compared, box: 'form.adopt' },
  { name: 'the draft of a plan', source: 'parts/policy-draft.vue', login: 'demo-command', path: '/policies', box: 'section:has(> .el-textarea)', send: '检查' },
  { name: 'a comment on a report', source: 'parts/report-steps.vue', login: 'demo-command', path: '/reports?day=2022-05-26', box: '#main', fields: '#report-comment', send: '定稿' },
  { name: 'the journal searched', source: 'parts/admin/audit-list.vue', login: 'demo-auditor', path: '/admin?part=journal', box: 'section .abreast' },
  { name: 'a new account', source: 'parts/admin/account-table.vue', login: 'demo-system', path: '/admin?part=accounts', box: 'form.abreast', send: '新增账户' },
  { name: 'a token', source: 'parts/admin/token-list.vue', login: 'demo-tracer', path: '/me', box: 'form:has(#token-name)' },
  { name: 'sizes of tubes', source: 'parts/testing/pool-table.vue', login: 'demo-command', path: '/testing/planner', ready: (page) => page.locator('.infected input').waitFor(), box: 'section:has(.infected)' },
  { name: 'a planned round', source: 'screens/planner.vue', login: 'demo-command', path: '/testing/planner', box: 'section:has(input[type=range])' },
  { name: 'a queue', source: 'screens/testing-sites.vue', login: 'demo-sampler', path: async (page) => `/testing/sites?site=${(await api(page, 'registers/site/records?limit=1')).rows[0].id}`, box: 'section.near form', send: '上报' },
  { name: 'sheets on paper', source: 'parts/testing/paper-desk.vue', login: 'demo-sampler', path: '/testing/sites', box: 'form:has(#typed-day)' },
  { name: 'scanned tubes', source: 'parts/testing/box-bench.vue', login: 'demo-laboratory', path: async (page) => `/testing/laboratory?box=${(await api(page, 'laboratory/boxes')).boxes.find((b) => b.state !== 'received' || b.listed > b.here)?.id ?? 0}`, box: 'form:has(textarea)', send: /^收样/ },
  { name: 'a plate', source: 'parts/testing/result-file.vue', login: 'demo-laboratory', path: '/testing/laboratory', box: 'form:has(#run-plate)' },
]
/** What is typed into these is part of a form above, is a secret that is kept nowhere, or is a filter that stands in the address. */
const within = ['parts/field-input.vue', 'parts/record-pick.vue', 'parts/paste-grid.vue', 'parts/purpose-ask.vue']
const secret = ['parts/sign-form.vue', 'parts/factor-enrol.vue', 'screens/me.vue']
const own = { 'parts/sign-again.vue': 'opens in every form here', 'parts/side-drawer.vue': 'holds a new record, and many' }

/** Every file of the source that opens something or takes something typed. */
function inSource() {
  const root = new URL('../src/', import.meta.url)
  const at = (folder) => readdirSync(new URL(folder, root), { recursive: true }).filter((f) => f.endsWith('.vue')).map((f) => folder + f)
  return [...at('screens/'), ...at('parts/')].filter((f) => /<el-(dialog|drawer|popover|dropdown |input|input-number)\b|<side-drawer|<drop-box|<purpose-ask|ElMessageBox|<(textarea|input)\b(?![^>]*type="(file|checkbox|radio)")/.test(readFileSync(new URL(f, root), 'utf8').replace(/<!--[\s\S]*?-->/g, '')))
}

/** The fields of a form that something is typed into: not those that are chosen from a list. */
const fields = (page, thing) => page.locator(thing.box).last().locator(thing.fields ?? ':is(textarea, input:not([type=file], [type=checkbox], [type=radio], [type=range], [type=password], [readonly], [disabled])):not(.el-select__input, .el-date-editor *, .el-range-input)')
async function typed(page, thing) {
  const list = fields(page, thing)
  const n = Math.min(5, await list.count())
  must(n > 0, 'nothing can be typed')
  for (let i = 0; i < n; i++) {
    if ((await list.nth(i).getAttribute('type')) === 'checkbox') {
      if (!i) await list.nth(i).press('Space')
      continue
    }
    const number = await list.nth(i).evaluate((e) => e.type === 'number' || !!e.closest('.el-input-number') || e.inputMode === 'numeric')
    const reference = await list.nth(i).evaluate((e) => e.placeholder === '编号')
    if (reference) continue
    await list.nth(i).fill(number ? (await list.nth(i).getAttribute('min')) ?? '3' : `记一笔${i}`)
  }
  return values(page, thing)
}
const values = async (page, thing) => (await fields(page, thing).evaluateAll((all) => all.slice(0, 5).map((e) => (e.type === 'checkbox' ? e.checked : e.value)))).join('|')

async function opened(page, thing, lang = 'zh') {
  if (thing.ready) await thing.ready(page, lang)
  if (!thing.open || (thing.drawn && (await page.locator(thing.box).count()))) return
  await thing.open(page, lang).click()
  await page.locator(thing.box).last().waitFor()
  await settled(page)
}

async function byKeyboard(page, thing) {
  const opener = thing.open(page)
  await to(page, opener)
  await press(page, 'Enter')
  const box = page.locator(thing.box).last()
  await box.waitFor()
  await settled(page)
  const inside = () => box.evaluate((e) => e.contains(document.activeElement))
  for (let i = 0; i < 6 && !(await inside()); i++) await page.keyboard.press(i ? 'Tab' : 'ArrowDown')
  must(await inside(), `the focus is not in it but at ${await focused(page)}`)
  if (thing.box === dialog || thing.box === drawer)
    for (const key of ['Tab', 'Tab', 'Tab', 'Shift+Tab', 'Shift+Tab', 'Shift+Tab', 'Shift+Tab']) {
      await page.keyboard.press(key)
      must(await inside(), `${key} leads out of it to ${await focused(page)}`)
    }
  await press(page, 'Escape')
  await box.waitFor({ state: 'hidden' })
  await settled(page)
  must(await opener.evaluate((e) => e === document.activeElement), `the focus does not come back, it is at ${await focused(page)}`)
}

/** Each language, width and light at least once of what opens; what stands on a page is seen by the walk of screens, here with something chosen. */
const looks = { zh: [['light', 1440], ['dark', 390]], en: [['dark', 1440]], onPage: [['dark', 390]] }
async function axed(page, thing, lang) {
  for (const [look, width] of thing.open ? looks[lang] : looks.onPage) {
    await page.emulateMedia({ colorScheme: look })
    await page.setViewportSize({ width, height: width > 1000 ? 900 : 844 })
    await settled(page, 40)
    const faults = await axeFaults(page, thing.box === '#main' ? '#main' : thing.box.split(':visible')[0])
    must(!faults.length, `${lang} ${look} ${width}: ${faults.join('\n')}`)
  }
  await page.setViewportSize({ width: 1440, height: 900 })
}

/** The button is pressed while the server is gone, and while the session is over: each time all that was typed is there, and somebody says what is wrong. */
async function kept(page, thing) {
  let expired = false
  const meant = (route) => {
    const request = route.request()
    if (request.method() === 'GET' || /\/session(\/factor)?$/.test(request.url()) || /"dry":true/.test(request.postData() ?? '')) return route.continue()
    return expired ? route.continue() : route.abort('connectionrefused')
  }
  const was = await typed(page, thing)
  await page.reload()
  await settled(page)
  await opened(page, thing)
  must((await values(page, thing)) === was, `after a reload "${await values(page, thing)}" where "${was}" was typed`)
  if (!thing.send) return
  const box = page.locator(thing.box).last()
  if (thing.to) {
    await box.getByRole('combobox').first().click()
    await page.locator('.el-select-dropdown__item:visible').first().click()
  }
  const send = box.getByRole('button', { name: thing.send, exact: typeof thing.send === 'string' }).last()
  await page.route('**/api/v1/**', meant)
  await send.click()
  await page.locator('[role=alert]:visible:not(.away)').first().waitFor()
  must((await values(page, thing)) === was, 'it is gone when the server is gone')
  expired = true
  const login = thing.login
  await page.context().clearCookies()
  await send.dispatchEvent('click')
  await page.locator('#again-password').waitFor()
  const faults = await axeFaults(page, '.el-dialog')
  must(!faults.length, faults.join('\n'))
  must((await values(page, { ...thing, box: thing.box.replace(dialog, `${dialog}:not(:has(#again-password))`) })) === was, 'it is gone when the session has ended')
  expired = false
  await page.fill('#again-password', people[login])
  await page.keyboard.press('Enter')
  await page.locator('#again-password').waitFor({ state: 'detached' })
  await page.locator('[role=alert]:visible:not(.away)').first().waitFor()
  must((await values(page, thing)) === was, 'it is gone after signing in again')
  await page.unroute('**/api/v1/**', meant)
}

export async function walk(browser) {
  const known = new Set([...things.map((x) => x.source), ...within, ...secret, ...Object.keys(own)])
  const missing = inSource().filter((f) => !known.has(f))
  ok(!missing.length, 'whatever opens or takes something typed is walked through', missing)
  for (const login of [...new Set(things.map((x) => x.login))]) {
    forget(login)
    const page = await signedIn(browser, login)
    forget(login)
    const other = await signedIn(browser, login, { lang: 'en' })
    forget(login)
    page.seen.refused = (status) => [0, 401, 422].includes(status)
    for (const thing of things.filter((x) => x.login === login)) {
      let where = thing.path
      await test(`${thing.name}: nothing serious in light and dark, wide and on a phone`, async () => {
        where = typeof thing.path === 'string' ? thing.path : await go(page, '/me').then(() => thing.path(page))
        await page.goto('about:blank') // what the thing before left open is gone
        await go(page, where)
        if (thing.open && !thing.ready) {
          await page.evaluate(() => document.querySelector('#main').focus())
          await byKeyboard(page, thing)
        }
        await opened(page, thing)
        await axed(page, thing, 'zh')
        if (!thing.open) return
        await other.goto('about:blank')
        await go(other, where)
        await opened(other, thing, 'en')
        await axed(other, thing, 'en')
      }, page)
      if (thing.send || !thing.open) await test(`${thing.name}: what is typed stays when the server is gone, when the session has ended, after a reload`, () => kept(page, thing), page)
    }
    ok(!page.seen.faults.length, `nothing was in the log of ${login}`, page.seen.faults)
    await page.context().close()
    await other.context().close()
  }
}
