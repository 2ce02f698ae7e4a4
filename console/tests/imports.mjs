// An import from the dropped file to its undoing; and a console that is left alone: it asks for nothing.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { api, axeFaults, go, must, picture, settled, signedIn, test } from './house.mjs'

const county = join(dirname(process.env.TOCSIN_ACCOUNTS), 'files')

async function drop(page, name, bytes) {
  await page.setInputFiles('input[type=file]', { name, mimeType: 'text/csv', buffer: bytes })
  await page.locator('.counts').waitFor()
  await settled(page)
}
async function imported(page) {
  const counts = () => page.locator('.counts').innerText()
  await test('a dropped file is known by its content: encoding, headers, register, its first rows tried', async () => {
    await go(page, '/import')
    await drop(page, 'contacts.csv', readFileSync(join(county, 'contacts.csv')))
    const said = await page.locator('.two').innerText()
    must(/GB18030|GBK/i.test(said), said.slice(0, 300))
    must(/密切接触者/.test(await page.locator('.two .el-select').first().innerText()), 'not taken for a list of contacts')
    const faults = await axeFaults(page)
    must(!faults.length, faults.join('\n'))
    const heads = (await page.locator('.columns .h').allTextContents()).map((one) => one.trim())
    must(['✓ 外部编号', '✓ 区县'].every((one) => heads.includes(one)) && heads.every((one) => one.startsWith('✓')), `not known: ${heads.join(', ')}`)
    must(said.includes(`${heads.length}/${heads.length} 列对应`) && said.includes(`${heads.length} / ${heads.length} 列`), said.slice(0, 300))
    await picture(page, 'import-look')
  }, page)
  await test('a file dropped by the mouse is taken; the place says so while it is above', async () => {
    await go(page, '/me')
    await go(page, '/import')
    must(!(await page.locator('.counts').count()), 'something is there already')
    const at = await page.locator('.drop').boundingBox()
    const hand = await page.context().newCDPSession(page)
    const drag = (type) => hand.send('Input.dispatchDragEvent', { type, x: at.x + at.width / 2, y: at.y + at.height / 2, data: { items: [], files: [join(county, 'contacts.csv')], dragOperationsMask: 1 } })
    await drag('dragEnter')
    await drag('dragOver')
    await page.locator('.drop.over').waitFor()
    await drag('drop')
    await page.locator('.counts').waitFor()
    await settled(page)
    must(!(await page.locator('.drop.over').count()) && /contacts\.csv/.test(await page.locator('.two h2').first().innerText()), await page.locator('.two h2').first().innerText())
    must(/密切接触者/.test(await page.locator('.two .el-select').first().innerText()), 'not taken for a list of contacts')
  }, page)
  await test('after one column is changed by hand, a corrected list still changes what the first has made, and keeps its regions', async () => {
    const list = (day) => Buffer.from(`外部编号,姓名,电话,区县,末次接触时间,和谁\nH1,周丁,13700000001,310199001,2022-05-${day},家人\nH2,吴戊,13700000011,310199002,2022-05-${day},同事\n`)
    for (const [day, counted] of [['28', /2\s*新建/], ['28', /2\s*无变化/], ['29', /2\s*更新/]]) {
      await drop(page, 'hand.csv', list(day))
      must(/密切接触者/.test(await page.locator('.two .el-select').first().innerText()), 'not taken for a list of contacts')
      await page.getByLabel('和谁', { exact: true }).selectOption('relation')
      await page.getByRole('button', { name: '按此对应关系重新试读' }).click()
      await page.waitForFunction((wanted) => new RegExp(wanted).test(document.querySelector('.counts')?.innerText ?? ''), counted.source)
      await page.getByRole('button', { name: '正式导入' }).click()
      await page.locator('h2', { hasText: '导入结果' }).waitFor()
      await settled(page)
      must(counted.test(await counts()) && !/[1-9]\d*\s*退回/.test(await counts()), await counts())
    }
    const made = (await api(page, 'registers/contact/records?limit=2&sort=-id')).rows
    must(made.map((one) => one.region).sort().join() === '310199001,310199002', JSON.stringify(made).slice(0, 300))
  }, page)
  await test('a column that is not known is given its meaning, and the file is looked at again', async () => {
    await drop(page, 'people.csv', Buffer.from('名号,性别,打哪个电话\n赵甲,男,13900000001\n钱乙,女,13900000002\n孙丙,不详的,13900000003\n'))
    await page.locator('.two .el-select').first().click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: /^人员/ }).first().click()
    await settled(page)
    await page.getByLabel('名号', { exact: true }).selectOption({ label: '姓名' })
    await page.getByLabel('打哪个电话', { exact: true }).selectOption({ label: '电话' }).catch(() => page.getByLabel('打哪个电话', { exact: true }).selectOption('phone'))
    await page.getByRole('button', { name: '按此对应关系重新试读' }).click()
    await page.locator('.counts').waitFor()
    await page.waitForFunction(() => /2\s*新建/.test(document.querySelector('.counts')?.innerText ?? ''))
  }, page)
  const people = async () => {
    let n = 0
    for (let next = ''; next !== null; ) {
      const got = await api(page, `registers/person/records?limit=500&fields=sex${next && `&cursor=${encodeURIComponent(next)}`}`)
      n += got.rows.length
      next = got.next
    }
    return n
  }
  const before = await people()
  await test('tried, run with progress told by events, the refused row to take home', async () => {
    await page.getByRole('button', { name: '试运行' }).click()
    await page.getByText('试运行结果').or(page.locator('h2', { hasText: '试运行' })).first().waitFor()
    await settled(page)
    must((await people()) === before, 'the trial has kept something')
    await page.getByRole('button', { name: '正式导入' }).click()
    await page.locator('h2', { hasText: '导入结果' }).waitFor()
    await settled(page)
    must((await people()) === before + 2, `${before} people before, ${await people()} after it`)
    must(/2\s*新建/.test(await counts()) && /1\s*退回/.test(await counts()), await counts())
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /退回/ }).click()])
    must(/孙丙/.test(readFileSync(await file.path(), 'utf8')), 'the refused row is not in the file')
    must(!page.seen.requests.some((r, i, all) => r.startsWith('GET') && /imports\/\w+$/.test(r) && all.filter((x) => x === r).length > 12), 'the job is asked for again and again')
  }, page)
  await test('the whole import is taken back', async () => {
    await page.getByRole('button', { name: /撤销/ }).click()
    await page.getByText(/已撤销/).waitFor()
    must((await people()) === before, `${before} people before the import, ${await people()} after it was taken back`)
  }, page)
  await test('a long import is cancelled while it runs: it says so, and what it had made by then can be taken back', async () => {
    const lines = Array.from({ length: 400000 }, (_, i) => `王${i},男,139${String(10000000 + i)}`)
    await drop(page, 'many.csv', Buffer.from(`姓名,性别,电话\n${lines.join('\n')}\n`))
    await page.getByRole('button', { name: '正式导入' }).click()
    await page.locator('[role=status]').getByRole('button', { name: '取消' }).click()
    await page.locator('h2 .el-tag', { hasText: '已取消' }).waitFor()
    await page.reload()
    await settled(page)
    await page.locator('h2 .el-tag', { hasText: '已取消' }).waitFor() // the address knows which import was open
    const undo = page.getByRole('button', { name: /撤销/ })
    if (await undo.count()) {
      await undo.click()
      await page.getByText(/已撤销/).first().waitFor()
    }
  }, page)
  await test('nothing was in the log', async () => must(!page.seen.faults.length, page.seen.faults.join('\n')))
}

async function idle(page) {
  await test('a console that is left alone asks for nothing: 30 s on the board and on a list, only the stream of events', async () => {
    // what the server tells of (a duty falls due while one looks) may be asked about: a time in which it tells nothing is waited for
    const line = await page.context().newCDPSession(page)
    await line.send('Network.enable')
    let told = 0
    line.on('Network.eventSourceMessageReceived', (m) => m.data.startsWith('{') && (told = Date.now()))
    for (const path of ['/', '/registers/contact']) {
      await go(page, path)
      for (let tries = 5; ; ) {
        const [before, since] = [page.seen.requests.length, Date.now() - 5000] // what is told leads to a question within 4 s
        await page.waitForTimeout(15000)
        const asked = page.seen.requests.slice(before).filter((r) => !/\/events(\?|$)/.test(r))
        if (told < since) {
          must(!asked.length, `${path}: ${asked.join('\n')}`)
          break
        }
        must(--tries, `${path}: the server has something to tell in every quarter of a minute`)
        await page.waitForTimeout(5000)
      }
    }
  }, page)
}

export async function walk(browser) {
  let page = await signedIn(browser, 'demo-intake')
  await imported(page)
  await page.context().close()
  page = await signedIn(browser, 'demo-command')
  await idle(page)
  await page.context().close()
}
