// What a browser has to load, compressed, before the first screen stands: the page's script, all it imports, the screen and all that imports, the words
// of a language. Over the budget the build fails. Run by `npm run build`; `node scripts/budget.mjs` says the figures again.
import { readFileSync, readdirSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const BUDGET = 250_000
const out = new URL('../../build/console/', import.meta.url)
const files = readdirSync(new URL('assets/', out)).filter((f) => f.endsWith('.js'))
const source = Object.fromEntries(files.map((f) => [f, readFileSync(new URL(`assets/${f}`, out), 'utf8')]))
const size = Object.fromEntries(files.map((f) => [f, gzipSync(source[f], { level: 9 }).length]))
const imports = (f) => [...source[f].matchAll(/(?:from|^import|;import)\s*["']\.\/([\w.-]+\.js)["']/g)].map((m) => m[1])
function whole(f, seen = new Set()) {
  if (!seen.has(f)) {
    seen.add(f)
    imports(f).forEach((g) => whole(g, seen))
  }
  return seen
}
const words = files.filter((f) => f.startsWith('words-')).sort((a, b) => size[b] - size[a])[0]
const page = readFileSync(new URL('index.html', out), 'utf8')
const entry = /src="\/assets\/([\w.-]+\.js)"/.exec(page)[1]
const kb = (n) => `${(n / 1000).toFixed(1)} kB`
let bad = 0
// Who is not signed in sees the sign-in screen first; who is, the screen his day begins with: those of `homes` in router.ts, what is owed, the registers.
const router = readFileSync(new URL('../src/router.ts', import.meta.url), 'utf8')
const homes = [.../const homes.*?= \[\n([^]*?)\n\]/.exec(router)[1].matchAll(/'\w+', '([\w-]+)'/g)].map((m) => m[1])
for (const screen of new Set(['sign-in', 'work', 'registers', ...homes])) {
  const from = new RegExp(`name: '${screen}'.*import\\('@/screens/([\\w-]+)\\.vue'\\)`).exec(router)?.[1]
  const chunk = files.find((f) => from && new RegExp(`^${from}-[\\w-]{8}\\.js$`).test(f))
  if (!chunk) {
    bad++
    console.error(`budget: no file of the build is the screen ${screen}`)
    continue
  }
  const all = whole(words, whole(chunk, whole(entry)))
  const sum = [...all].reduce((n, f) => n + size[f], 0)
  if (sum > BUDGET) {
    bad++
    console.error([...all].sort((a, b) => size[b] - size[a]).slice(0, 6).map((f) => `  ${f} ${kb(size[f])}`).join('\n'))
  }
  console.log(`budget: ${screen}: ${kb(sum)} of script, compressed, in ${all.size} files (at most ${kb(BUDGET)})`)
}
process.exit(bad ? 1 : 0)
