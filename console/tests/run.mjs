// node console/tests/run.mjs [NAME...]: the walks through a served console, those of tests/test_console.sh or those named; prints TAP. It serves the county and
// sets TOCSIN_URL, TOCSIN_ACCOUNTS and, for the walks that need it, TOCSIN_SERVER (a script that stops and starts the server). TOCSIN_SLOW=3 TOCSIN_TIMEOUT=2400: on a
// machine three times slower, on a longer line (house.mjs); what passes on a fast one by luck alone fails there. Not for field, which takes the line away by itself.
import { done, launch, ok, patience, stuck } from './house.mjs'
import { answers, untold } from './told.mjs'

const names = ['screens', 'registers', 'imports', 'work', 'people', 'reports', 'plans', 'tracing', 'paper', 'refusals', 'testing', 'clauses', 'field']
const apart = ['keys', 'opens', 'gone', 'acts', 'turns'] // over a county of their own: tests/test_console_keys.sh
const wanted = process.argv.slice(2)
const limit = 300_000 * patience // a walk that stands still does not keep the others from going
let browser = await launch()
for (const name of wanted.length ? [...names, ...apart].filter((one) => wanted.includes(one)) : names) {
  const began = Date.now()
  let timer
  const late = new Promise((_, no) => (timer = setTimeout(() => no(new Error(`it stood still for ${limit / 1000} s`)), limit)))
  try {
    await Promise.race([(await import(`./${name}.mjs`)).walk(browser), late])
  } catch (e) {
    ok(false, `${name} goes to its end`, String(e?.stack ?? e))
    stuck.browser = true
  }
  clearTimeout(timer)
  if (stuck.browser) {
    void browser.close().catch(() => {})
    browser = await launch()
    stuck.browser = false
  }
  console.log(`# ${name}: ${((Date.now() - began) / 1000).toFixed(1)} s`)
}
await Promise.race([browser.close(), new Promise((go) => setTimeout(go, 10_000))])
ok(answers.held > 0 && !untold.size, `${answers.held} answers are what the API's document tells`, [...untold])
process.exit(done() ? 1 : 0)
