// Both languages complete: the same keys in the files of i18n/zh and i18n/en, every key that is used exists, every key that exists is used, and no text
// stands in a template or a script outside them. Exits 1 with every fault.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = new URL('../src/', import.meta.url).pathname
const faults = []
const flat = (o, at = '') => Object.entries(o).flatMap(([k, v]) => (typeof v === 'object' ? flat(v, `${at}${k}.`) : [[at + k, v]]))
/** Names in braces, each once: a plural ("one | many") says them again. */
const named = (text) => [...new Set(String(text).match(/\{\w+\}/g))].sort().join()
const words = Object.fromEntries(['zh', 'en'].map((l) => [l, new Map(readdirSync(join(root, 'i18n', l)).flatMap((f) => flat(JSON.parse(readFileSync(join(root, 'i18n', l, f), 'utf8')), f.replace('json', ''))))]))
for (const [a, b] of [['zh', 'en'], ['en', 'zh']]) {
  for (const [key, text] of words[a]) {
    if (!words[b].has(key)) faults.push(`i18n/${b} lacks ${key}`)
    else if (named(text) !== named(words[b].get(key))) faults.push(`${key}: other names in braces in i18n/${b}`)
    if (!String(text).trim()) faults.push(`i18n/${a}: ${key} is empty`)
  }
}

// What to do next after each refusal of the API.
for (const m of readFileSync(join(root, '../../src/base/error.h'), 'utf8').matchAll(/^\s+X\((\w+), -/gm)) if (!words.zh.has(`problem.next.${m[1].toLowerCase()}`)) faults.push(`problem.json says not what to do next after ${m[1]}`)

const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((e) => e.isFile() && /\.(vue|ts)$/.test(e.name))
  .map((e) => join(e.parentPath ?? e.path, e.name))
const used = new Set()
const stems = [] // t(`menu.${x}`): all keys below are in use
const allowed = /^(警钟 Tocsin|EN|中|English|中文)$/
for (const file of files) {
  if (/schema\.d\.ts$/.test(file)) continue
  const text = readFileSync(file, 'utf8')
  const name = file.slice(root.length)
  for (const m of text.matchAll(/\bte?\(\s*'([\w.-]+)'/g)) used.add(m[1])
  for (const m of text.matchAll(/[`]([a-z_]+(?:\.[a-z_]+)*\.)\$\{/g)) stems.push(m[1])
  for (const m of text.matchAll(/'((?:[a-z_]+\.)+[a-z_0-9]+)'/g)) if (words.zh.has(m[1])) used.add(m[1])
  const code = text.replace(/\/\*[\s\S]*?\*\/|<!--[\s\S]*?-->|(^|\s)\/\/.*$/gm, '')
  const template = code.match(/<template>([\s\S]*)<\/template>/)?.[1] ?? ''
  for (const m of template.matchAll(/>([^<>{}]*[\p{L}][^<>{}]*)</gu)) if (!allowed.test(m[1].trim()) && !/[=&|?]/.test(m[1])) faults.push(`${name}: text in the template: "${m[1].trim()}"`)
  for (const m of template.matchAll(/\s(?:label|title|placeholder|aria-label|alt)="([^"]*\p{L}[^"]*)"/gu)) faults.push(`${name}: text in an attribute: "${m[1]}"`)
  for (const m of code.replaceAll('警钟 Tocsin', '').matchAll(/[\u4e00-\u9fff]+/gu)) if (!allowed.test(m[0])) faults.push(`${name}: "${m[0]}" outside the language files`)
}
for (const key of used) if (!words.zh.has(key)) faults.push(`${key} is used and missing`)
for (const key of words.zh.keys()) if (!used.has(key) && !stems.some((s) => key.startsWith(s))) faults.push(`${key} is never used`)
for (const f of [...new Set(faults)]) console.error(f)
console.log(`words: ${words.zh.size} texts in two languages, ${new Set(faults).size} faults`)
process.exit(faults.length ? 1 : 0)
