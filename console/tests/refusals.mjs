// What is refused, and what the console makes of it: a password, a screen of another role, a session that ends while somebody types, somebody who was
// faster, a server that is gone and comes back. Nothing that was typed is lost in any of them.
import { execFileSync } from 'node:child_process'

import { answerLost, api, forget, go, must, open, patience, people, settled, signIn, signedIn, test, url } from './house.mjs'

const server = (what) => execFileSync(process.env.TOCSIN_SERVER, [what], { stdio: 'inherit' })
const place = '/registers/place'

/** The form of a new place, with a title typed. */
async function typing(page, title) {
  await go(page, place)
  await page.getByRole('button', { name: '新增' }).click()
  await page.fill('#field-title', title)
}
async function save(page) {
  await page.getByRole('button', { name: '保存', exact: true }).last().click()
}

async function strangers(browser) {
  const page = await open(browser)
  page.seen.refused = (status, address) => status === 401 && address.endsWith('/session')
  await test('a wrong password is refused in words, and what was typed as login stays', async () => {
    await page.goto(`${url}/#/admin`)
    await page.fill('#login', 'demo-guest')
    await page.fill('#password', 'not this one at all')
    await page.keyboard.press('Enter')
    await page.waitForSelector('[role=alert]')
    must((await page.inputValue('#login')) === 'demo-guest', 'the login is gone')
  }, page)
  await test('who signs in comes to where he wanted to go, and is told there when that is not his', async () => {
    await signIn(page, 'demo-guest')
    await settled(page)
    must(page.url().endsWith('#/admin'), page.url())
    must(!(await page.locator('nav a[href="#/admin"]').count()), 'the menu shows administration to a guest')
    must(await page.locator('[role=alert]').count(), 'nothing says that this is not for a guest')
    must(!(await page.locator('table td').count()), 'a guest sees accounts')
  }, page)
  await page.context().close()
}

async function anotherRole(browser) {
  let page = await signedIn(browser, 'demo-auditor')
  await test('a register that one may only read has no button that writes', async () => {
    await go(page, place)
    must(!(await page.getByRole('button', { name: '新增' }).count()), 'an auditor is offered to write')
    must(!page.seen.faults.length, page.seen.faults.join('\n'))
  }, page)
  await page.context().close()
  for (const [login, few] of [['demo-tracer', 20], ['demo-guest', 0], ['demo-auditor', 30]]) {
    page = await signedIn(browser, login)
    page.seen.refused = (status) => status === 403
    await test(`what ${login} may and why not the rest, register by register, is what the server answers`, () => may(page, few), page)
    await page.context().close()
  }
}
/** The table on the page about oneself; reading, writing and opening are then asked of the server, with a change that changes nothing. */
async function may(page, few) {
  await go(page, '/me')
  const { may } = await api(page, 'session')
  const named = new Map((await api(page, 'registers')).registers.map((r) => [r.zh, r]))
  const rows = await page.locator('section.wide tbody tr').evaluateAll((all) => all.map((e) => [...e.children].map((c) => c.innerText.trim())))
  must(rows.length === named.size && rows.length > 50, `${rows.length} rows of ${named.size}`)
  const seen = { yes: 0, no: 0, changed: 0, opened: 0 }
  for (const [title, ...cells] of rows) {
    const { name } = named.get(title)
    for (const [i, verb] of ['read', 'write', 'open'].entries()) {
      const why = may[name][`why_not_${verb}`]
      must(may[name][verb] === (cells[i] === '✓') && may[name][verb] === (why === undefined), `${title} ${verb}: ${cells[i]}, the server: ${why}`)
      seen[cells[i] === '✓' ? 'yes' : 'no']++
      if (!why) continue
      const roles = named.get(title)[{ read: 'readers', write: 'writers', open: 'openers' }[verb]]
      const said = /[:：]\s*(.+)$/.exec(why)[1].split('、')
      must(roles.length ? said.length === roles.length && said.every((role) => cells[i].includes(role)) : ['无密封信息', '不开放'].some((one) => cells[i].includes(one)), `${title} ${verb}: ${cells[i]}, the server: ${why}`)
    }
  }
  const told = await page.evaluate(
    async (names) => {
      const { csrf } = await (await fetch('/api/v1/session')).json()
      const ask = async (path, method = 'GET', body = undefined) => (await fetch(`/api/v1/registers/${path}`, { method, body, headers: { 'Content-Type': 'application/json', 'Tocsin-CSRF': csrf, ...(body ? {} : { 'Tocsin-Purpose': encodeURIComponent('核对权限') }) } })).json()
      return Promise.all(
        names.map(async (name) => {
          const read = await ask(`${name}/records?limit=20`)
          if (!read.rows?.length) return { name, read }
          const sealed = read.rows.find((r) => Object.values(r.fields).includes('***')) // a list is never open
          return { name, read, changed: await ask(`${name}/records/${read.rows[0].id}`, 'PATCH', '{"fields":{}}'), opened: sealed && (await ask(`${name}/records/${sealed.id}`)) }
        }),
      )
    },
    rows.map(([title]) => named.get(title).name),
  )
  for (const { name, read, changed, opened } of told) {
    const mine = may[name]
    must(mine.read ? !!read.rows : read.status === 403 && read.detail === mine.why_not_read, `reading ${name}: ${JSON.stringify(read).slice(0, 200)}`)
    if (changed) must(mine.write ? changed.outcome === 'unchanged' : changed.status === 403 && changed.detail === mine.why_not_write, `writing ${name}: ${JSON.stringify(changed).slice(0, 200)}`)
    if (opened) must(mine.open ? opened.fields && !Object.values(opened.fields).includes('***') : opened.status === 403 && opened.detail === mine.why_not_open, `opening ${name}: ${JSON.stringify(opened).slice(0, 400)}`)
    seen.changed += !!changed
    seen.opened += !!opened
  }
  must(seen.yes && seen.no > 50 && seen.changed >= few && seen.opened >= Math.min(1, few), JSON.stringify(seen))
  must(!page.seen.faults.length, page.seen.faults.join('\n'))
}

async function expiry(browser) {
  forget('demo-isolator')
  const page = await signedIn(browser, 'demo-isolator')
  forget('demo-isolator')
  page.seen.refused = (status) => status === 401
  await test('a session that ends while somebody types: the form stays, and is saved after signing in again', async () => {
    await typing(page, '九号楼')
    await page.context().clearCookies()
    await save(page)
    await page.waitForSelector('#again-password')
    await page.fill('#again-password', people['demo-isolator'])
    await page.keyboard.press('Enter')
    await page.waitForURL(/#\/registers\/place\/\d+/)
    await settled(page)
    must((await page.locator('#main').innerText()).includes('九号楼'), 'it was not saved')
  }, page)
  await test('a wrong password there is refused, and another person gets another screen', async () => {
    await page.context().clearCookies()
    await page.evaluate(() => (location.hash = '#/registers/test'))
    await page.waitForSelector('#again-password')
    await page.fill('#again-password', 'not this one at all')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.el-dialog [role=alert]')
    await page.getByRole('button', { name: '换账户登录' }).click()
    await page.waitForSelector('#login')
  }, page)
  await page.context().close()
}

async function reload(browser) {
  const page = await signedIn(browser, 'demo-isolator')
  await test('what was typed is there again after a reload, and gone after signing out', async () => {
    await typing(page, '十号楼')
    await page.reload()
    await page.waitForSelector('#main h1')
    await settled(page)
    await page.getByRole('button', { name: '新增' }).click()
    must((await page.inputValue('#field-title')) === '十号楼', 'it is gone after a reload')
    must((await page.evaluate(() => Object.keys(sessionStorage).length)) > 0, 'it was not kept')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: '退出登录' }).click()
    await page.waitForSelector('#login')
    must((await page.evaluate(() => JSON.stringify(sessionStorage))).indexOf('十号楼') < 0, 'it is still there for the next one')
  }, page)
  await page.context().close()
  forget('demo-isolator')
}

/** The server takes a new record, and its answer is lost: saved again, also after a reload, it is the same record. */
async function lost(browser) {
  const page = await signedIn(browser, 'demo-isolator')
  page.seen.refused = (status) => status === 0
  await test('a form whose answer was lost is saved again and makes nothing twice', async () => {
    const called = async () => (await api(page, `registers/place/records?title=${encodeURIComponent('十二号楼')}`)).rows.length
    await typing(page, '十二号楼')
    const stop = await answerLost(page, '**/registers/place/records')
    await save(page)
    await page.waitForSelector('.form [role=alert]')
    await stop()
    await page.reload()
    await settled(page)
    must((await called()) === 1, 'the server did not take it')
    await page.getByRole('button', { name: '新增' }).click()
    must((await page.inputValue('#field-title')) === '十二号楼', 'it is gone')
    await save(page)
    await page.waitForURL(/#\/registers\/place\/\d+/)
    must((await called()) === 1, 'it is there twice')
  }, page)
  await page.context().close()
}

/** Two people change one record: the second is shown both versions and saves a merge. */
async function conflict(browser) {
  const page = await signedIn(browser, 'demo-isolator')
  page.seen.refused = (status) => status === 412
  await test('who was slower sees both versions cell by cell; nothing of either is lost', async () => {
    await go(page, place)
    const region = await page.evaluate(async () => (await (await fetch('/api/v1/registers/place/records?limit=1')).json()).rows[0].region)
    const made = await api(page, 'registers/place/records', { method: 'POST', body: { region, fields: { title: '甲' } } })
    must(made.id, JSON.stringify(made))
    await go(page, `${place}/${made.id}`)
    await page.getByRole('button', { name: '修改' }).click()
    await page.fill('#field-title', '乙')
    await api(page, `registers/place/records/${made.id}`, { method: 'PATCH', body: { fields: { title: '丙', capacity: 40 } } })
    await save(page)
    await page.waitForSelector('.clash')
    const table = await page.locator('.clash').innerText()
    must(table.includes('乙') && table.includes('丙'), table)
    await page.getByRole('button', { name: /合并/ }).click()
    await page.waitForSelector('.clash', { state: 'detached' })
    await settled(page)
    const now = await api(page, `registers/place/records/${made.id}`)
    must(now.fields.title === '乙' && now.fields.capacity === 40 && now.version === 3, JSON.stringify(now))
  }, page)
  await test('of two cells that both changed, theirs is taken for one and mine stays for the other', async () => {
    const made = await api(page, 'registers/place/records', { method: 'POST', body: { region: (await api(page, 'registers/place/records?limit=1')).rows[0].region, fields: { title: '甲', capacity: 10 } } })
    for (const [title, capacity, theirs, wanted, version] of [['乙', '20', { title: '丙', capacity: 40 }, '丙 20', 3], ['丁', '', { title: '戊' }, '戊 20', 4]]) {
      await go(page, `${place}/${made.id}`)
      await page.getByRole('button', { name: '修改' }).click()
      await page.fill('#field-title', title)
      if (capacity) await page.fill('#field-capacity', capacity)
      await api(page, `registers/place/records/${made.id}`, { method: 'PATCH', body: { fields: theirs } })
      await save(page)
      const row = page.locator('.clash tbody tr', { hasText: title })
      await row.getByRole('button', { name: '用对方的' }).click()
      must((await page.inputValue('#field-title')) === theirs.title, await page.inputValue('#field-title'))
      await page.getByRole('button', { name: /合并/ }).click()
      await page.locator('.form').waitFor({ state: 'detached' })
      await settled(page)
      const now = await api(page, `registers/place/records/${made.id}`)
      must(`${now.fields.title} ${now.fields.capacity}` === wanted && now.version === version, `${wanted}, version ${version}: ${JSON.stringify(now)}`)
      must((await page.locator('.facts').first().innerText()).includes(theirs.title), 'the page does not say it')
    }
  }, page)
  await page.context().close()
}

async function away(browser) {
  const page = await signedIn(browser, 'demo-isolator')
  page.seen.refused = () => true
  await test('the server goes: a band says so, and what is typed stays', async () => {
    await typing(page, '十一号楼')
    server('stop')
    await page.waitForSelector('.away', { timeout: 15000 * patience })
    await save(page)
    await page.waitForSelector('.form [role=alert]')
    must((await page.inputValue('#field-title')) === '十一号楼', 'it is gone')
  }, page)
  await test('it comes back: the band goes by itself, and the same button saves', async () => {
    server('start')
    await page.waitForSelector('.away', { state: 'detached', timeout: 30000 * patience })
    await save(page)
    await page.waitForURL(/#\/registers\/place\/\d+/)
  }, page)
  await page.context().close()
}

/** A server of another edition has other scripts; one that was away had none. */
async function scriptless(browser) {
  const page = await signedIn(browser, 'demo-isolator')
  page.seen.refused = () => true
  await go(page, place)
  await test('a screen whose script does not come is come to all the same', async () => {
    let begun = 0 // documents begun; the second one does without the script as well
    page.on('request', (r) => void (begun += Number(r.isNavigationRequest())))
    await page.route(/assets\/record-[\w-]{8}\.js$/, (r) => (begun > 1 ? r.continue() : r.abort()))
    await page.locator('.grid a').first().click()
    await page.waitForURL(/#\/registers\/place\/\d+/)
    await page.waitForSelector('main h1')
    must(begun === 2, `begun anew ${begun} times`)
  }, page)
  await page.context().close()
}

export async function walk(browser) {
  for (const part of [strangers, anotherRole, expiry, reload, lost, conflict, scriptless]) await part(browser)
  if (process.env.TOCSIN_SERVER) await away(browser)
}
