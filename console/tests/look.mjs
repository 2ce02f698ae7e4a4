// node tests/look.mjs URL LOGIN PASSWORD OUT: signs in and keeps a picture of every screen named after OUT.
import { chromium } from 'playwright-core'

const [url, login, password, out, ...paths] = process.argv.slice(2)
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
for (const [lang, width] of [['zh-CN', 1440], ['en-GB', 390]]) {
  const page = await (await browser.newContext({ locale: lang, viewport: { width, height: 900 } })).newPage()
  page.on('console', (m) => m.type() === 'error' && console.log(lang, m.text()))
  page.on('pageerror', (e) => console.log(lang, 'page error', e.message))
  await page.goto(url)
  await page.waitForSelector('#login')
  await page.screenshot({ path: `${out}/sign-in-${width}.png` })
  await page.fill('#login', login)
  await page.fill('#password', password)
  await page.click('button[type=submit]')
  await page.waitForTimeout(1500)
  await page.screenshot({ path: `${out}/after-${width}.png` })
  for (const p of paths) {
    await page.goto(`${url}/#${p}`)
    await page.waitForTimeout(2500)
    await page.screenshot({ path: `${out}/${p.replace(/\W+/g, '-').slice(1)}-${width}.png` })
  }
}
await browser.close()
