// The field app at a sampling table: installed, without a line, closed and opened again, stolen. What is acknowledged at the table arrives once; what lies on the device
// cannot be read there.
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { axeFaults, forget, go, must, open, overflow, people, picture, settled, signedIn, test, unspoken, url } from './house.mjs'
import { tonesAlone } from './tones.mjs'

const run = Date.now().toString(36).toUpperCase()
/** An identity number that holds, of somebody invented. */
function idCard(n) {
  const body = `310199${1950 + (n % 50)}0${1 + (n % 9)}1${n % 10}${String(100 + n).padStart(3, '0')}`
  const sum = [...body].reduce((s, d, i) => s + Number(d) * [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2][i], 0)
  return body + '10X98765432'[sum % 11]
}
/** As somebody who may, from the page of the one who is signed in there. */
const asked = (page, path, body) =>
  page.evaluate(
    async ([path, body]) => {
      const me = await (await fetch('/api/v1/session')).json()
      const got = await fetch(`/api/v1/${path}`, body ? { method: 'POST', headers: { 'Content-Type': 'application/json', 'Tocsin-CSRF': me.csrf }, body: JSON.stringify(body) } : {})
      return { status: got.status, body: got.status === 204 ? null : await got.json() }
    },
    [path, body],
  )
async function enter(page, login) {
  await page.goto(`${url}/field.html`)
  await page.waitForSelector('#login')
  await page.fill('#login', login)
  await page.fill('#password', people[login])
  await page.keyboard.press('Enter')
  await page.waitForSelector('#round')
  await page.waitForFunction(() => document.querySelectorAll('#round option').length > 1)
}
/** A round of its own, with a site and a table. */
async function prepare(browser) {
  const page = await open(browser)
  await enter(page, 'demo-tester').catch(() => undefined)
  const region = (await asked(page, 'session')).body.grants[0].region
  const make = async (register, fields, state) => {
    const got = await asked(page, `registers/${register}/records`, { region, fields, ...(state && { state }) })
    must(got.status === 201, `${register}: ${JSON.stringify(got)}`)
    return got.body.id
  }
  const campaign = await make('campaign', { title: `演练${run}`, starts_at: '2022-05-30T08:00', kind: 'mass' }, 'running')
  const round = await make('round', { campaign, seq: 1, starts_at: '2022-05-30T08:00', tube_size: 5 }, 'open')
  const site = await make('site', { title: `采样点${run}`, kind: 'fixed' })
  const table = await make('site_table', { site, label: '1' })
  // a sheet as it comes out of the printer, its upper part
  const given = (await asked(page, 'sampling/sheets', { round, table, count: 1 })).body
  const pdf = await page.evaluate(async (at) => btoa([...new Uint8Array(await (await fetch(at)).arrayBuffer())].map((b) => String.fromCharCode(b)).join('')), `/api/v1/sampling/sheets?round=${round}&table=${table}&from=1&count=1`)
  const file = join(tmpdir(), `sheet-${process.pid}`)
  writeFileSync(`${file}.pdf`, Buffer.from(pdf, 'base64'))
  execFileSync('pdftoppm', ['-png', '-singlefile', '-r', '120', '-x', '0', '-y', '0', '-W', '1000', '-H', '500', `${file}.pdf`, file])
  const sheet = { number: given.numbers[0], picture: `data:image/png;base64,${readFileSync(`${file}.png`).toString('base64')}` }
  for (const end of ['pdf', 'png']) rmSync(`${file}.${end}`)
  await page.context().close()
  return { round, site, table, sheet }
}
async function choose(page, at, size = 5) {
  await page.selectOption('#round', String(at.round))
  await page.selectOption('#site', String(at.site))
  await page.waitForFunction((id) => document.querySelector('#table').value === String(id), at.table)
  await page.locator('label.pill', { hasText: new RegExp(`^${size}$`) }).click()
  await page.getByRole('button', { name: /^(开始采样|Start sampling)$/ }).click()
  await page.waitForSelector('#scan')
}
async function scan(page, text, into = '#scan') {
  const told = page.locator('.told:visible')
  const before = await told.innerText()
  await page.fill(into, text)
  await page.keyboard.press('Enter')
  await page.waitForFunction((b) => {
    const told = [...document.querySelectorAll('.told')].find((x) => x.offsetParent)
    return told.innerText !== b && !told.classList.contains('calm')
  }, before)
  return told.innerText()
}
/** Severity as it stands there now, in these states of the table: never by colour alone. */
async function toned(page, wanted) {
  for (const one of wanted) must(await page.locator(one).count(), `${one} is not there to be looked at`)
  const faults = await tonesAlone(page, '--')
  must(!faults.length, faults.join('\n'))
}
const unsent = async (page) => Number(await page.locator('.unsent').innerText())
const none = (page) => page.waitForFunction(() => document.querySelector('.unsent').textContent === '0')
/** Everything on the device, as a thief would read it. */
const device = (page) =>
  page.evaluate(async () => {
    const book = await new Promise((go) => {
      const r = indexedDB.open('tocsin-field')
      r.onsuccess = () => go(r.result)
    })
    const out = []
    for (const name of book.objectStoreNames) {
      const all = await new Promise((go) => {
        const r = book.transaction(name).objectStore(name).getAll()
        r.onsuccess = () => go(r.result)
      })
      const text = (v) => (v instanceof ArrayBuffer || ArrayBuffer.isView(v) ? new TextDecoder('latin1').decode(v) : v && typeof v === 'object' ? Object.values(v).map(text).join(' ') : String(v))
      out.push(...all.map(text))
    }
    book.close()
    return `${out.join('\n')} ${JSON.stringify(localStorage)} ${JSON.stringify(sessionStorage)}`
  })

/** What the camera sees from now on: a picture (as a data address), or black and white modules. */
const seen = (page, what) =>
  page.evaluate(async (what) => {
    const canvas = document.createElement('canvas')
    const paint = canvas.getContext('2d')
    const image = typeof what === 'string' ? Object.assign(new Image(), { src: what }) : null
    await image?.decode()
    ;[canvas.width, canvas.height] = image ? [image.width, image.height] : [640, 480]
    const draw = () => {
      paint.fillStyle = '#fff'
      paint.fillRect(0, 0, canvas.width, canvas.height)
      paint.fillStyle = '#000'
      if (image) paint.drawImage(image, 0, 0)
      else what.forEach((row, y) => [...row].forEach((bit, x) => bit === '1' && paint.fillRect(120 + x, 40 + y, 1, 1)))
    }
    draw()
    const again = setInterval(draw, 100) // a stream has a picture only when something is drawn
    navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(10)
    window.cameraOff = () => clearInterval(again)
  }, what)
async function looked(page, wanted) {
  const before = await page.locator('.told').innerText()
  await page.getByRole('button', { name: '摄像头扫码' }).click()
  await page.waitForFunction(([b, w]) => ((now) => now !== b && now.includes(w))(document.querySelector('.told').innerText), [before, wanted]).catch(async () => must(false, `${before}; then ${await page.locator('.told').innerText()}`))
  await page.evaluate(() => window.cameraOff())
}
/** The tube is closed, and that it is told: the next thing told is not it. */
async function close(page) {
  await page.getByRole('button', { name: '封管', exact: true }).click()
  await page.waitForFunction(() => document.querySelector('.told').textContent.includes('已封'))
  await none(page)
}
async function camera(page, at, sheet) {
  await test('field: the camera reads the bar code of a printed tube sheet, and the QR code that somebody shows', async () => {
    await seen(page, sheet.picture)
    await looked(page, sheet.number)
    const { QRCodeWriter, BarcodeFormat } = createRequire(import.meta.url)('@zxing/library')
    const matrix = new QRCodeWriter().encode(idCard(3), BarcodeFormat.QR_CODE, 400, 400, new Map())
    await seen(page, Array.from({ length: 400 }, (_, y) => Array.from({ length: 400 }, (_, x) => (matrix.get(x, y) ? '1' : '0')).join('')))
    await looked(page, '✓')
    await none(page)
    const tube = (await asked(page, `registers/tube/records?barcode=${sheet.number}`)).body.rows[0]
    must(tube?.fields.barcode === sheet.number && tube.fields.site_table === at.table, JSON.stringify(tube))
    await close(page)
  }, page)
  await test('field: the browser takes it for an app that can be installed', async () => {
    const talk = await page.context().newCDPSession(page)
    const { installabilityErrors: faults } = await talk.send('Page.getInstallabilityErrors')
    must(faults.every((f) => f.errorId === 'in-incognito'), JSON.stringify(faults)) // a context of the walks is one
  }, page)
}

async function withALine(page, at) {
  await test('field: a tube, then people; what may not be is said at once and not counted', async () => {
    await choose(page, at)
    must(/✕/.test(await scan(page, 'x')), 'a bar code of one letter is taken')
    await toned(page, ['.told.bad', '.chip.on'])
    must(/✕.*证件/.test(await scan(page, idCard(1))), 'an identity number is taken for a tube')
    must(/✓.*T1/.test(await scan(page, `T1${run}`)), 'the tube does not open')
    must(/✕/.test(await scan(page, idCard(1).slice(0, 17) + (idCard(1)[17] === '0' ? '1' : '0'))), 'a wrong check digit is taken')
    must(/✓/.test(await scan(page, idCard(1))), 'the first is not taken')
    must(/✕.*T1/.test(await scan(page, idCard(1))), 'the same person is taken twice')
    must(/✓/.test(await scan(page, idCard(2))), 'the second is not taken')
    await toned(page, ['.told.good'])
    await page.getByRole('button', { name: '其他证件' }).click()
    await page.fill('#p-no', idCard(4).slice(0, 17) + (idCard(4)[17] === '0' ? '1' : '0'))
    must(await page.locator('.sheet').getByRole('button', { name: '登记' }).isDisabled(), 'a wrong identity number goes as a passport')
    await page.fill('#p-no', `e 8${run}`)
    await picture(page, 'field-document')
    await page.locator('.sheet').getByRole('button', { name: '登记' }).click()
    await page.locator('.sheet').waitFor({ state: 'detached' })
    must(/✓/.test(await page.locator('.told').innerText()), 'a passport is not taken')
    await none(page)
    await close(page)
    const tube = (await asked(page, `registers/tube/records?barcode=T1${run}`)).body.rows[0]
    const all = (await asked(page, `registers/swab/records?round=${at.round}&limit=100`)).body.rows
    must(all.length === 3, `${all.length} swabs for 3 people`)
    must(tube?.state === 'closed' && tube.fields.swabs === 3, JSON.stringify(tube))
    const who = (await asked(page, `registers/person/records/${all.find((r) => r.id === Math.max(...all.map((s) => s.id))).fields.person}`)).body
    must(who.fields.doc_type === 'passport', JSON.stringify(who))
  }, page)
  await test('field: a child by its guardian, somebody without papers under a number given here', async () => {
    await scan(page, `T2${run}`)
    await page.getByRole('button', { name: '其他证件、儿童、无证件' }).click()
    await page.locator('label.pill', { hasText: '儿童' }).click()
    await page.fill('#p-name', '小明')
    await page.fill('#p-doc', idCard(1))
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    await picture(page, 'field-child')
    await page.locator('.sheet').getByRole('button', { name: '登记' }).click()
    await page.locator('.sheet').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: '其他证件、儿童、无证件' }).click()
    await page.locator('label.pill', { hasText: '无证件' }).click()
    await page.fill('#p-name', '无名')
    await page.locator('.sheet').getByRole('button', { name: '登记' }).click()
    await page.locator('.sheet').waitFor({ state: 'detached' })
    await none(page)
    must((await asked(page, `registers/swab/records?round=${at.round}&limit=100`)).body.rows.length === 5, 'not five swabs')
  }, page)
}

async function withoutALine(page, at) {
  page.seen.refused = (status) => status === 0 || status === 401
  await test('field: no line: sampling goes on, a closed browser loses nothing, nothing on the device can be read', async () => {
    await page.evaluate(() => navigator.serviceWorker.ready)
    await page.context().setOffline(true)
    for (const n of [11, 12, 13]) must(/✓/.test(await scan(page, idCard(n))), `${n} is not taken`)
    must(/✓/.test(await scan(page, `T3${run}`)), 'the next tube does not open') // the one before held five
    must(/✓/.test(await scan(page, idCard(14))), 'the first of it is not taken')
    must((await unsent(page)) === 4, `${await unsent(page)} wait`)
    await page.reload()
    await page.waitForSelector('#scan')
    must((await unsent(page)) === 4, `${await unsent(page)} wait after a reload`)
    must((await page.locator('.code').innerText()) === `T3${run}`, 'the open tube is forgotten')
    must(/✓/.test(await scan(page, idCard(15))), 'after a reload nobody is taken')
    await toned(page, ['.chip.off'])
    await picture(page, 'field-offline')
    const all = await device(page)
    for (const n of [11, 12, 13, 14, 15]) must(!all.includes(idCard(n)) && !all.includes(idCard(n).slice(0, 14)), 'an identity number lies on the device')
    must(all.includes(`T3${run}`), 'nothing was looked at')
  }, page)
  await test('field: the line is back: everything arrives, once', async () => {
    await page.context().setOffline(false) // by itself: nobody touches the device
    await none(page)
    const rows = (await asked(page, `registers/swab/records?round=${at.round}&limit=100`)).body.rows
    must(rows.length === 10, `${rows.length} swabs for 10 people`)
    must(new Set(rows.map((r) => r.fields.person)).size === 10, 'somebody twice')
  }, page)
  await test('field: an answer that is lost: the same rows go again and are there once', async () => {
    let lost = 0
    await page.route('**/api/v1/sampling/swabs', async (route) => {
      await route.fetch()
      if (lost++) await route.continue()
      else await route.abort('connectionreset')
    })
    must(/✓/.test(await scan(page, idCard(16))), 'not taken')
    await none(page)
    await page.unroute('**/api/v1/sampling/swabs')
    must(lost > 1, 'it was not sent again')
    must((await asked(page, `registers/swab/records?round=${at.round}&limit=100`)).body.rows.length === 11, 'not eleven swabs')
  }, page)
  await test('field: what the server refuses stays, with its reason, until somebody has seen to it', async () => {
    await scan(page, idCard(1)) // swabbed before the browser was closed: only the server knows
    await page.waitForFunction(() => document.querySelector('.told').classList.contains('bad'))
    await none(page)
    await page.locator('.counts button').click()
    await page.locator('.rows li').waitFor()
    must((await page.locator('.rows li .bad').innerText()).length > 3, 'no reason')
    await toned(page, ['.rows p.bad', '.counts .bad'])
    await picture(page, 'field-problems')
    await page.getByRole('button', { name: '已处理' }).click()
    await page.getByText('没有被退回的记录').waitFor()
    await page.getByRole('button', { name: '返回采样' }).click()
  }, page)
}

async function packing(page, at) {
  await test('field: a box is packed without a line: what was closed here all at once, one that nobody knows; a reload forgets nothing; sealed, it is the manifest', async () => {
    await page.context().setOffline(true)
    await page.getByRole('button', { name: '封管', exact: true }).click() // T3, not full
    await page.waitForFunction(() => document.querySelector('.told').textContent.includes('已封'))
    await page.getByRole('button', { name: '装箱', exact: true }).click()
    await page.waitForSelector('#pack')
    must(/✓/.test(await scan(page, `X${run}`, '#pack')), 'the box does not open')
    must(/✕/.test(await scan(page, `X${run}`, '#pack')), 'a box goes into itself')
    await page.getByRole('button', { name: /装入本机已封的 3 管/ }).click()
    await page.waitForSelector('.told.good')
    must(/✕/.test(await scan(page, `T1${run}`, '#pack')), 'a tube goes in twice')
    // a scanner reads the next code before the first is kept
    await page.evaluate((codes) => {
      const field = document.querySelector('#pack')
      for (const code of codes) {
        field.value = code
        field.dispatchEvent(new Event('input'))
        field.form.requestSubmit()
      }
    }, [`OTHER${run}`, `THIRD${run}`])
    await page.waitForFunction((n) => document.querySelectorAll('.rows li').length === n, 5) // tubes of another table go in
    await page.reload()
    await page.getByRole('button', { name: '装箱', exact: true }).click()
    await page.waitForFunction((code) => document.querySelector('.code').textContent === code, `X${run}`)
    must((await page.locator('.rows li').count()) === 5, 'the box is forgotten')
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    await picture(page, 'field-box')
    await page.getByRole('button', { name: '封箱' }).click()
    await page.waitForFunction(() => document.querySelector('.unsent').textContent === '2') // the tube and the box
    await page.context().setOffline(false)
    await none(page)
    const box = (await asked(page, `registers/box/records?barcode=X${run}`)).body.rows.find((b) => b.fields.barcode === `X${run}`)
    must(box?.state === 'sealed' && box.fields.tubes === 5 && box.fields.site === at.site, JSON.stringify(box)) // with those that lie in it and are not known yet
    const tubes = (await asked(page, `registers/tube/records?box=${box.id}&limit=100`)).body.rows.map((r) => r.fields.barcode).sort()
    must(tubes.join() === [`T1${run}`, `T2${run}`, `T3${run}`].join(), tubes.join())
    await page.locator('.counts button').click()
    must((await page.locator('.rows li').innerText()).includes(`OTHER${run}`), 'what was not taken is not told')
    await page.getByRole('button', { name: '已处理' }).click()
    await page.getByRole('button', { name: '返回采样' }).click()
    await page.waitForSelector('#scan')
    must(/✓/.test(await scan(page, `T5${run}`)), 'the table does not go on')
  }, page)
}

/** Puts or (null) takes away a row of the one who samples that nobody can open. */
const lost = (page, order) =>
  page.evaluate(async (order) => {
    const done = (r) => new Promise((go, stop) => ((r.onsuccess = () => go(r.result)), (r.onerror = () => stop(r.error))))
    const book = await done(indexedDB.open('tocsin-field'))
    const { owner } = await done(book.transaction('desk').objectStore('desk').get('lock'))
    const rows = book.transaction('rows', 'readwrite').objectStore('rows')
    const box = { from: new ArrayBuffer(65), iv: new Uint8Array(12), text: new ArrayBuffer(32) }
    await done(order === null ? rows.delete('lost') : rows.put({ key: 'lost', order, owner, kid: 'gone', state: 'waiting', box }))
    const all = await done(book.transaction('rows').objectStore('rows').getAll())
    book.close()
    return all.sort((a, b) => a.order - b.order).map((r) => r.key)
  }, order)
async function keyGone(page) {
  await test('field: what waits under a key that is gone holds up nothing; after the clock was set back, what is scanned comes after what waits', async () => {
    await page.context().setOffline(true)
    await lost(page, Date.now() + 3600000)
    await page.reload()
    await page.waitForSelector('#scan')
    must(/✓/.test(await scan(page, idCard(60))), 'not taken')
    const order = await lost(page, Date.now() + 3500000)
    must(order.length === 2 && order[0] === 'lost', `what came later stands before: ${order.join()}`)
    await lost(page, 1)
    await page.context().setOffline(false)
    await page.waitForFunction(() => document.querySelector('.unsent').textContent === '1')
    await lost(page, null)
    await page.reload()
    await page.waitForSelector('#scan')
    await none(page)
    await page.getByRole('button', { name: '封管', exact: true }).click()
    await page.waitForFunction(() => document.querySelector('.told').textContent.includes('已封'))
    must(/✓/.test(await scan(page, `T6${run}`)), 'the table does not go on')
  }, page)
}

/** As another window of this device that was opened at the same moment: its lock, whose key the server has too, seals what is scanned. */
const otherLock = (page) =>
  page.evaluate(async () => {
    const pair = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits'])
    const [open, key] = await Promise.all([pair.publicKey, pair.privateKey].map((k) => crypto.subtle.exportKey('jwk', k)))
    const { csrf } = await (await fetch('/api/v1/session')).json()
    await fetch('/api/v1/session/settings', { method: 'PATCH', headers: { 'Content-Type': 'application/json', 'Tocsin-CSRF': csrf }, body: JSON.stringify({ 'field.key.window': key }) })
    const done = (r) => new Promise((go, stop) => ((r.onsuccess = () => go(r.result)), (r.onerror = () => stop(r.error))))
    const book = await done(indexedDB.open('tocsin-field'))
    const { owner } = await done(book.transaction('desk').objectStore('desk').get('lock'))
    await done(book.transaction('desk', 'readwrite').objectStore('desk').put({ kid: 'window', owner, open }, 'lock'))
    book.close()
  })
async function shutRows(page) {
  await test('field: what another window of the device sealed is sent from here', async () => {
    await otherLock(page)
    await page.context().setOffline(true)
    await page.reload()
    await page.waitForSelector('#scan')
    must(/✓/.test(await scan(page, idCard(61))), 'not taken')
    must((await unsent(page)) === 1, 'it does not wait')
    await page.context().setOffline(false)
    await none(page)
  }, page)
  await test('field: a row that nobody can open is told and listed, and the shift can end', async () => {
    await lost(page, 1)
    await page.reload()
    await page.waitForFunction(() => document.querySelector('.unsent')?.textContent === '1')
    await page.locator('.note.shut').waitFor()
    must(await page.getByRole('button', { name: '下班' }).isEnabled(), 'the shift cannot end')
    await page.locator('.counts button').click()
    await page.locator('.rows li').waitFor()
    await toned(page, ['.rows p.bad', '.note.shut'])
    await page.getByRole('button', { name: '已处理' }).click()
    await none(page)
    must(!(await page.locator('.note.shut').count()), 'it is told of what is not there')
    await page.getByRole('button', { name: '返回采样' }).click()
    await page.waitForSelector('#scan')
  }, page)
  await close(page)
  await scan(page, `T7${run}`)
}

async function ended(page) {
  await test('field: the session ends in the middle: the table goes on, and what waits goes when one signs in', async () => {
    await page.context().clearCookies()
    must(/✓/.test(await scan(page, idCard(18))), 'not taken')
    await page.waitForFunction(() => document.querySelector('.chip').classList.contains('out'))
    if (/✓.*满/.test(await page.locator('.told').innerText())) await scan(page, `T4${run}`)
    must(/✓/.test(await scan(page, idCard(19))), 'the next is not taken')
    must((await unsent(page)) === 2, `${await unsent(page)} wait`)
    await again(page)
  }, page)
}
async function again(page) {
  await page.getByRole('button', { name: '登录以上传' }).click()
  await page.fill('#login', 'demo-sampler')
  await page.fill('#password', people['demo-sampler'])
  await page.keyboard.press('Enter')
  await page.waitForSelector('#scan')
  await none(page)
}

async function stolen(browser, page) {
  await test('field: stolen without a line, its sessions ended: what waits cannot be read or sent', async () => {
    await page.context().setOffline(true)
    must(/✓/.test(await scan(page, idCard(21))), 'not taken')
    const office = await signedIn(browser, 'demo-security')
    await go(office, '/admin?part=accounts')
    await office.locator('tr').filter({ hasText: 'demo-sampler' }).getByRole('button', { name: '结束会话' }).click()
    await office.getByText('demo-sampler 的会话已全部结束').waitFor()
    await office.context().close()
    forget('demo-sampler')
    await page.context().setOffline(false) // the thief has a line, and the browser as it was left
    await page.reload()
    await page.waitForFunction(() => document.querySelector('.chip')?.classList.contains('out'))
    must((await unsent(page)) === 1, 'it is gone')
    must(!(await device(page)).includes(idCard(21)), 'it can be read')
    must((await page.evaluate(async () => (await fetch('/api/v1/session/settings')).status)) === 401, 'what opens it can be fetched')
  }, page)
  await test('field: who it belongs to signs in again, and it arrives', async () => {
    await again(page)
  }, page)
}

async function shed(page, at) {
  page.seen.refused = (status) => status === 503
  await test('field: the server has too much to do: it is asked again, later and later, and the swab arrives once', async () => {
    const told = []
    await page.route('**/api/v1/sampling/swabs', async (route) => {
      told.push(Date.now())
      if (told.length > 3) await route.continue()
      else await route.fulfill({ status: 503, headers: { 'Retry-After': '1' }, contentType: 'application/problem+json', body: JSON.stringify({ code: 'BUSY', title: 'busy', detail: '数据库忙,请稍后重试' }) })
    })
    const before = (await asked(page, `registers/swab/records?round=${at.round}&limit=100`)).body.rows.length
    must(/✓/.test(await scan(page, idCard(22))), 'the table is held up')
    await page.waitForFunction(() => document.querySelector('.chip').classList.contains('off')) // it is told at once that nothing gets through
    must((await unsent(page)) === 1, 'what waits is not counted')
    await none(page)
    await page.unroute('**/api/v1/sampling/swabs')
    const waits = told.slice(1).map((at, i) => at - told[i])
    must(told.length === 4 && waits.every((w) => w >= 1000) && waits[2] >= 4000, `asked after ${waits.join(', ')} ms`)
    must((await asked(page, `registers/swab/records?round=${at.round}&limit=100`)).body.rows.length === before + 1, 'not there once')
  }, page)
}

/** A label of another table's roll, and the next label scanned for a person: told, nobody is lost by it, and the other table's tube stays open. */
async function mistaken(page, at) {
  await test('field: a bar code of another table is told, its people go into the next tube, and it stays open there', async () => {
    const other = (await asked(page, 'registers/site_table/records', { fields: { site: at.site, label: '2' } })).body.id
    const rows = async (barcode) => (await asked(page, `registers/tube/records?barcode=${barcode}`)).body.rows[0]
    const theirs = await asked(page, 'sampling/swabs', { table: other, round: at.round, size: 5, swabs: [{ tube: `Q${run}01`, doc_type: 'id-card', doc_no: idCard(30) }] })
    must(theirs.body.created === 1, JSON.stringify(theirs))
    must(/✓/.test(await scan(page, `Q${run}01`)), 'the tube does not open: the device cannot know')
    await page.fill('#scan', idCard(31))
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => document.querySelector('.told').classList.contains('bad')) // told by the server
    await close(page)
    must((await rows(`Q${run}01`)).state === 'open', 'the tube of the other table is closed')
    must(/✓/.test(await scan(page, `Q${run}02`)), 'the next tube does not open')
    must(/✓/.test(await scan(page, idCard(31))), 'who was refused cannot be sampled any more')
    must(/✕/.test(await scan(page, `Q${run}03`)), 'the next label is taken for a person')
    await none(page)
    for (const n of [32, 33, 34]) must(/✓/.test(await scan(page, idCard(n))), `${n} is not taken`)
    await page.fill('#scan', idCard(30)) // at the other table already: the tube is full here, and one short there
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => document.querySelector('.told').classList.contains('bad'))
    await none(page)
    const tube = await rows(`Q${run}02`)
    must(tube.state === 'closed' && tube.fields.swabs === 4, JSON.stringify(tube))
  }, page)
}

export async function walk(browser) {
  const at = await prepare(browser)
  for (const [lang, width, look] of [['zh', 360, 'light'], ['en', 360, 'dark'], ['zh', 1024, 'dark'], ['en', 1024, 'light']]) {
    const page = await open(browser, { lang, width, height: 760, look })
    page.seen.refused = (status, address) => status === 401 && address.endsWith('/session')
    await test(`field in ${lang} at ${width}: signs in, chooses a table, looks right`, async () => {
      await enter(page, 'demo-sampler')
      for (const name of ['choose', 'table']) {
        if (name === 'table') {
          await choose(page, at, lang === 'zh' ? 10 : 1)
          await scan(page, `V${lang}${width}${run}`.toUpperCase())
        }
        await settled(page)
        await picture(page, `field-${name}-${lang}-${width}`)
        const faults = [...(await axeFaults(page)), ...(await tonesAlone(page, '--')), ...(await overflow(page)), ...(await unspoken(page, lang)), ...page.seen.faults]
        must(!faults.length, faults.join('\n'))
      }
    }, page)
    await page.context().close()
  }
  const page = await open(browser, { width: 412, height: 860 })
  page.seen.refused = (status, address) => status === 401 && address.endsWith('/session')
  await enter(page, 'demo-sampler')
  await withALine(page, at)
  await withoutALine(page, at)
  await packing(page, at)
  await keyGone(page)
  await shutRows(page)
  await ended(page)
  await stolen(browser, page)
  await shed(page, at)
  await close(page)
  await mistaken(page, at)
  await camera(page, at, at.sheet)
  await page.context().close()
}
