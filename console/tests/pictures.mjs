// Pictures for the README, from a served made-up county only (scripts/pictures). node console/tests/pictures.mjs FOLDER
import { go, launch, settled, signedIn } from './house.mjs'

const folder = process.argv[2]
const shots = [
  { name: 'console-board', login: 'demo-command', path: '/', lang: 'zh', width: 1440, height: 900 },
  { name: 'console-work', login: 'demo-tracer', path: '/work', lang: 'en', width: 1280, height: 760 },
  { name: 'console-testing', login: 'demo-command', path: '/testing', lang: 'zh', width: 1440, height: 1040 },
  { name: 'console-register', login: 'demo-tracer', path: '/registers/contact', lang: 'zh', width: 1280, height: 620 },
]
const browser = await launch()
for (const s of shots) {
  const page = await signedIn(browser, s.login, s)
  await go(page, s.path)
  await settled(page, 500)
  await page.screenshot({ path: `${folder}/${s.name}.png` })
  await page.context().close()
}
await browser.close()
