// Accounts from making to use: made by system, given a password and a role over a region of the tree by security, signed in for the first time; a second factor,
// sealed fields opened for a purpose and looked up in the journal, a session that ends meanwhile; tokens issued and taken back.
import { createHmac } from 'node:crypto'

import { api, axeFaults, choose, forget, go, must, open, people, picture, settled, signIn, signedIn, test, url } from './house.mjs'

/** RFC 6238, by the clock of the server; each code is good once, so each time one step further. */
async function code(page, seed, step = 0) {
  const at = Math.floor(Date.parse((await api(page, 'session')).now ?? (await api(page, 'obligations/summary?rule=-')).at) / 30000) + step
  return codeAt(seed, at)
}
function codeAt(seed, at) {
  const bits = [...seed.replace(/=+$/, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)))
  const count = Buffer.alloc(8)
  count.writeBigUInt64BE(BigInt(at))
  const mac = createHmac('sha1', key).update(count).digest()
  const from = mac[19] & 15
  return String((mac.readUInt32BE(from) & 0x7fffffff) % 1e6).padStart(6, '0')
}
export const login = 'li.na'
const password = '第二个审批人自己定的长口令'

/** Before anybody is signed in. */
async function language(browser) {
  const page = await open(browser)
  page.seen.refused = (status, address) => status === 401 && address.endsWith('/session')
  await test('the language is chosen at the door: its words change at once, stay after a reload and behind the door', async () => {
    await page.goto(`${url}/#/sign-in`)
    await page.waitForSelector('#login')
    await settled(page)
    const words = async () => `${await page.locator('main label').first().innerText()} ${await page.locator('main button[type=submit]').innerText()} ${await page.locator('html').getAttribute('lang')}`
    const chinese = await words()
    must(/账号.*登录 zh-CN/s.test(chinese), chinese)
    await page.fill('#login', 'demo-tester')
    await page.getByRole('button', { name: 'English' }).click()
    await page.waitForFunction(() => document.documentElement.lang === 'en')
    const english = await words()
    must(!/[\u4e00-\u9fff]/.test(english), english)
    must((await page.inputValue('#login')) === 'demo-tester', 'what was typed is gone')
    await page.reload()
    await page.waitForSelector('#login')
    must((await words()) === english, `after a reload: ${await words()}`)
    await signIn(page, 'demo-tester')
    await settled(page)
    must(!/[\u4e00-\u9fff]/.test((await page.locator('nav').first().innerText()).replaceAll('中文', '').replaceAll('警钟', '')), await page.locator('nav').first().innerText())
  }, page)
  await page.context().close()
}

/** One person on two cards: told on each, made one for a reason, and two again. */
async function same(browser) {
  const page = await signedIn(browser, 'demo-intake')
  const ids = []
  await test('who has the same document is told; two are made one for a reason that stands in the history, and two again', async () => {
    await go(page, '/registers')
    for (const name of ['钟一鸣', '钟一名']) {
      const made = await api(page, 'registers/person/records', { method: 'POST', body: { fields: { name, doc_type: 'passport', doc_no: 'E55667788' } } })
      must(made.id, JSON.stringify(made))
      ids.push(made.id)
    }
    const link = (id) => page.locator(`#main a[href="#/registers/person/${id}"]`)
    await go(page, `/registers/person/${ids[0]}`)
    await page.getByText('证件相同').first().waitFor()
    must(await link(ids[1]).count(), await page.locator('#main').innerText())
    await page.getByRole('button', { name: '并入此人' }).first().click()
    const send = page.locator('.el-dialog:visible').getByRole('button', { name: '并入此人' })
    must(await send.isDisabled(), 'without a reason')
    await page.locator('.el-dialog:visible textarea').fill('同一护照，两次登记')
    await send.click()
    await page.locator('#main .went-well').waitFor()
    must((await api(page, `registers/person/records/${ids[1]}`)).fields.merged_into === ids[0], 'not merged')
    await go(page, `/registers/person/${ids[1]}`)
    await page.locator('#main', { hasText: '同一护照，两次登记' }).waitFor()
    await page.getByRole('button', { name: '撤销合并' }).click()
    await page.locator('.el-dialog:visible textarea').fill('查明是两人')
    await page.locator('.el-dialog:visible').getByRole('button', { name: '撤销合并' }).click()
    await page.locator('#main .went-well').waitFor()
    await page.getByText('证件相同').first().waitFor()
    must(!(await api(page, `registers/person/records/${ids[1]}`)).fields.merged_into, 'still merged')
  }, page)
  await page.context().close()
}

/** Someone who approves beside the demonstration's approver; made on the screens of the administrators. */
export async function made(browser) {
  let first = ''
  let page = await signedIn(browser, 'demo-system')
  await test('system makes an account; what is typed survives a reload, a login that is taken is refused and stays', async () => {
    page.seen.refused = (status) => status === 409
    await go(page, '/admin')
    await page.getByLabel('账号', { exact: true }).fill('demo-tester')
    await page.getByRole('button', { name: '新增账户' }).click()
    await page.locator('#main [role=alert]').waitFor()
    must((await page.getByLabel('账号', { exact: true }).inputValue()) === 'demo-tester', 'the login is gone')
    await page.getByLabel('账号', { exact: true }).fill(login)
    await page.getByLabel('姓名', { exact: true }).fill('李娜')
    await page.reload()
    await settled(page)
    must((await page.getByLabel('姓名', { exact: true }).inputValue()) === '李娜', 'it is gone after a reload')
    await page.getByRole('button', { name: '新增账户' }).click()
    await page.locator('tr', { hasText: login }).waitFor()
    must((await page.getByLabel('账号', { exact: true }).inputValue()) === '', 'the form is not empty again')
  }, page)
  await test('system says whose people it is; the choice survives a reload', async () => {
    const box = page.locator('.el-dialog:visible')
    const begin = () => page.locator('tr', { hasText: login }).getByRole('button', { name: '所属单位' }).click()
    await begin()
    await choose(page, `unit-${login.replace('.', '\\.')}`, '县卫生', '县卫生健康委员会')
    await page.reload()
    await settled(page)
    await begin()
    must((await box.innerText()).includes('县卫生健康委员会'), `gone after a reload: ${await box.innerText()}`)
    await box.getByRole('button', { name: '保存' }).click()
    await box.waitFor({ state: 'detached' })
    await settled(page)
    must((await page.locator('tr', { hasText: login }).innerText()).includes('县卫生健康委员会'), await page.locator('tr', { hasText: login }).innerText())
  }, page)
  await test('system gives a first password, shown once, and no roles', async () => {
    const row = page.locator('tr', { hasText: login })
    must(!(await row.getByRole('button', { name: '角色与区域' }).count()), 'system may give roles')
    await row.getByRole('button', { name: '设初始密码' }).click()
    first = /(\w{5}-){3}\w{5}/.exec(await page.locator('.said').innerText())?.[0] ?? ''
    must(first, await page.locator('.said').innerText())
    must(!page.seen.faults.length, page.seen.faults.join('\n'))
  }, page)
  await page.context().close()
  page = await signedIn(browser, 'demo-security')
  await test('security gives a role over a region chosen in the tree', async () => {
    await go(page, '/admin')
    await page.locator('tr', { hasText: login }).getByRole('button', { name: '角色与区域' }).click()
    const box = page.locator('.el-dialog:visible')
    await box.getByText('审批', { exact: true }).click()
    await box.getByText('访客', { exact: true }).click()
    await box.locator('.el-select').click()
    await page.locator('.el-tree-node__content:visible').first().waitFor()
    await picture(page, 'roles')
    await page.locator('.el-tree-node__content:visible').first().locator('.el-tree-node__label, span').last().click()
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    await page.reload()
    await settled(page)
    await page.locator('tr', { hasText: login }).getByRole('button', { name: '角色与区域' }).click()
    must(await box.getByLabel('审批', { exact: true }).isChecked(), 'what was ticked is gone after a reload')
    await box.getByRole('button', { name: '保存' }).click()
    await box.waitFor({ state: 'detached' })
    await settled(page)
    const said = await page.locator('tr', { hasText: login }).innerText()
    must(said.includes('审批') && !said.includes('访客') && said.includes('望江县'), said)
    must(!page.seen.faults.length, page.seen.faults.join('\n'))
  }, page)
  await page.context().close()
  page = await open(browser)
  page.seen.refused = (status) => status === 401
  await test('the new one signs in with the first password and has to set an own one; two that differ are refused', async () => {
    await page.goto(`${url}/#/sign-in`)
    await page.fill('#login', login)
    await page.fill('#password', first)
    await page.keyboard.press('Enter')
    await page.fill('#fresh', password)
    await page.fill('#again', `${password}!`)
    await page.keyboard.press('Enter')
    await page.locator('[role=alert]').waitFor()
    await page.fill('#again', password)
    await page.keyboard.press('Enter')
    await page.waitForSelector('#main')
  }, page)
  people[login] = password
  await page.context().close()
}

/** By oneself, on the page about oneself. */
async function another(browser) {
  const [page, other] = [await open(browser), await open(browser)]
  for (const one of [page, other]) {
    one.seen.refused = (status, address) => status === 401 || (status >= 400 && status < 500 && address.endsWith('/session/password'))
    await one.goto(`${url}/#/me`)
    await signIn(one, login)
    await settled(one)
  }
  const fresh = `${password}二`
  const save = page.locator('form', { has: page.locator('#old') }).getByRole('button', { name: '保存' })
  const status = (one) => one.evaluate(async () => fetch('/api/v1/registers/case/records?limit=1').then(async (answer) => (await answer.text(), answer.status)))
  await test('a password is changed by oneself: not with a wrong old one, not to a short one; then the other sessions end, and only the new one opens', async () => {
    must((await page.locator('section', { hasText: '我的会话' }).locator('li').count()) === 2, 'there are not two sessions')
    await page.fill('#old', password)
    await page.fill('#new', '短口令')
    must(await save.isDisabled(), 'a short one can be sent')
    const short = await api(page, 'session/password', { method: 'POST', body: { old: password, new: '短口令' } })
    must(short.status >= 400 && short.detail, `the server takes a short one: ${JSON.stringify(short)}`)
    await page.fill('#old', `${password}!`)
    await page.fill('#new', fresh)
    await save.click()
    await page.locator('main [role=alert]').waitFor()
    must((await status(page)) === 200 && (await status(other)) === 200, 'a session has ended')
    must((await page.inputValue('#new')) === fresh, 'what was typed is gone')
    await page.fill('#old', password)
    await save.click()
    await page.locator('.said', { hasText: '密码已修改' }).waitFor()
    people[login] = fresh
    await page.locator('main [role=alert]').waitFor({ state: 'detached' })
    must((await status(page)) === 200, 'the own session has ended')
    must((await status(other)) === 401, 'the other session goes on')
    await page.waitForFunction(() => document.querySelector('#old').value === '' && document.querySelector('#new').value === '')
    await other.evaluate(() => (location.hash = '#/registers/case'))
    await other.locator('#again-password').waitFor()
    await other.fill('#again-password', password)
    await other.keyboard.press('Enter')
    await other.locator('.el-dialog [role=alert]').waitFor()
    await other.fill('#again-password', fresh)
    await other.keyboard.press('Enter')
    await other.locator('#main .rows .row').first().waitFor()
    await settled(other, 500) // names of what an approver may not read are not asked for
    for (const one of [page, other]) must(!one.seen.faults.length, one.seen.faults.join('\n'))
  }, page)
  await page.context().close()
  await other.context().close()
}

async function sealed(browser) {
  forget('demo-tracer')
  const page = await signedIn(browser, 'demo-tracer')
  page.seen.refused = (status) => status === 401
  let seed = ''
  let spare = '' // a recovery code
  await test('a second factor is turned on by oneself: key, code, recovery codes shown once', async () => {
    await go(page, '/me')
    await page.getByRole('button', { name: '启用' }).click()
    await page.locator('.seed').filter({ hasText: /\w{16}/ }).waitFor()
    seed = (await page.locator('.seed').innerText()).trim()
    await page.fill('#enrol-code', await code(page, seed, -1))
    await page.keyboard.press('Enter')
    await page.locator('.codes').waitFor()
    must((await page.locator('.codes').innerText()).split(/\s+/).length === 10, await page.locator('.codes').innerText())
    spare = (await page.locator('.codes').innerText()).split(/\s+/)[3]
    await page.getByRole('button', { name: '已保存' }).click()
    await page.getByText('本次登录已用动态验证码').waitFor()
  }, page)
  await test('a session that ended is taken up again with password and code, and the sealed name opens for the purpose that was typed', async () => {
    const one = (await api(page, 'registers/contact/records?limit=1')).rows[0]
    const person = one.fields.person
    const now = await code(page, seed, 0)
    await go(page, `/registers/person/${person}`)
    must((await page.locator('#main dl').innerText()).includes('***'), 'nothing is sealed')
    await page.getByRole('button', { name: '查看密封信息' }).click()
    await page.locator('.el-dialog input').fill('流调核对身份')
    await page.context().clearCookies()
    await page.keyboard.press('Enter')
    await page.fill('#again-password', people['demo-tracer'])
    await page.keyboard.press('Enter')
    await page.fill('#again-code', now)
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => !/\*\*\*/.test(document.querySelector('#main dl')?.textContent ?? '***'))
  }, page)
  await test('the sign-in screen asks for the second factor: nothing is open before it, a wrong code is refused in words, a code and a recovery code are taken, each once', async () => {
    for (const [step, given] of [() => code(page, seed, 1), async () => spare].entries()) {
      const door = await open(browser)
      door.seen.refused = (status) => status === 401 || status === 403
      await door.goto(`${url}/#/registers/contact`)
      await door.fill('#login', 'demo-tracer')
      await door.fill('#password', people['demo-tracer'])
      await door.keyboard.press('Enter')
      await door.locator('#code').waitFor()
      must([401, 403].includes((await api(door, 'registers/contact/records?limit=1')).status), 'by password alone contacts are read')
      await door.fill('#code', step ? 'aaaaa-aaaaa' : '000000')
      await door.keyboard.press('Enter')
      await door.locator('main [role=alert]').waitFor()
      must((await door.locator('main [role=alert]').innerText()).length > 5 && (await door.locator('#code').count()), 'it does not say so')
      await door.fill('#code', await given())
      await door.keyboard.press('Enter')
      await door.locator('#main .grid').waitFor()
      must((await api(door, 'session')).factor === true, 'the session has no factor')
      must(!door.seen.faults.length, door.seen.faults.join('\n'))
      await door.context().close()
    }
    const again = await open(browser)
    again.seen.refused = (status) => status === 401
    await again.goto(`${url}/#/sign-in`)
    await again.fill('#login', 'demo-tracer')
    await again.fill('#password', people['demo-tracer'])
    await again.keyboard.press('Enter')
    await again.fill('#code', spare)
    await again.keyboard.press('Enter')
    await again.locator('main [role=alert]').waitFor()
    must(!(await again.locator('#main').count()), 'a recovery code is taken twice')
    await again.context().close()
  }, page)
  await test('the look stands in the journal with who and why', async () => {
    const auditor = await signedIn(browser, 'demo-auditor')
    await go(auditor, '/admin')
    await auditor.getByRole('textbox', { name: '账户' }).fill('demo-tracer')
    await auditor.keyboard.press('Enter')
    await settled(auditor)
    await auditor.getByText('流调核对身份').first().waitFor()
    await auditor.getByRole('button', { name: '校验流水' }).click()
    await auditor.locator('.good[role=status]').waitFor()
    must(!auditor.seen.faults.length, auditor.seen.faults.join('\n'))
    await auditor.context().close()
  }, page)
  await test('a token is issued, shown once, works, and is taken back', async () => {
    await go(page, '/me')
    const wide = await page.evaluate(() => ['.el-input:has(#token-name)', '.el-date-editor:has(#token-end)', '.el-select:has(#token-registers)'].map((at) => Math.round(document.querySelector(at).getBoundingClientRect().width)))
    must(new Set(wide).size === 1, `fields of one form are ${wide.join(', ')} px wide`)
    await page.fill('#token-name', '方舱平板')
    await page.reload()
    await settled(page)
    must((await page.inputValue('#token-name')) === '方舱平板', 'it is gone after a reload')
    await page.fill('#token-end', '2022-06-30')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: '生成' }).click()
    const token = await page.locator('.made').innerText()
    const asked = () => page.evaluate(async (k) => (await fetch('/api/v1/registers/contact/records?limit=1', { credentials: 'omit', headers: { Authorization: `Bearer ${k}` } })).status, token)
    must((await asked()) === 200, String(await asked()))
    await picture(page, 'tokens')
    await page.getByRole('button', { name: '吊销 方舱平板' }).click()
    await page.getByRole('button', { name: '吊销 方舱平板' }).waitFor({ state: 'detached' })
    must((await asked()) === 401, 'it still works')
  }, page)
  await test('nothing was in the log', async () => must(!page.seen.faults.length, page.seen.faults.join('\n')))
  await page.context().close()
  forget('demo-tracer')
  const security = await signedIn(browser, 'demo-security')
  await test('security takes a second factor away; its owner signs in by password alone and may turn on another', async () => {
    await go(security, '/admin')
    const row = security.locator('tr', { hasText: 'demo-tracer' })
    await row.getByRole('button', { name: '重置双因素' }).click()
    await row.getByRole('button', { name: '重置双因素' }).waitFor({ state: 'detached' })
    must(!security.seen.faults.length, security.seen.faults.join('\n'))
    const back = await signedIn(browser, 'demo-tracer')
    await back.context().close()
  }, security)
  await security.context().close()
}

export async function walk(browser) {
  await language(browser)
  await made(browser)
  await same(browser)
  await another(browser)
  await sealed(browser)
}
