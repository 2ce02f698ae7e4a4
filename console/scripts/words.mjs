// Both languages complete: the same keys in the files of i18n/zh and i18n/en, every key that is used exists, every key that exists is used, and no text
// stands in a template or a script outside them. Only src/api asks the server. And no template draws by itself: charts, maps and graphs are ECharts' (docs/console.md). Exits 1 with every fault.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import ts from 'typescript'
import { parse } from 'vue/compiler-sfc'

const [TEXT, INTERPOLATION, ATTRIBUTE, DIRECTIVE] = [2, 5, 6, 7] // kinds of nodes of Vue's compiler
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

// Units of the plans' figures, but those that parts/rule-time.ts writes out itself; verbs of the journal. Their keys are made, so nothing below sees that one is missing.
const house = (path) => join(root, '../..', path)
const spelt = [...readFileSync(join(root, 'parts/rule-time.ts'), 'utf8').matchAll(/p\.unit === '([\w-]+)'/g)].map((m) => m[1])
const units = new Set(readdirSync(house('policies')).flatMap((f) => [...readFileSync(house(`policies/${f}`), 'utf8').matchAll(/\bunit: *([\w-]+)/g)].map((m) => m[1])))
const verbs = [.../#define JOURNAL_VERBS\(X\)((?:.*\\\n)*.*)/.exec(readFileSync(house('src/ledger/journal.h'), 'utf8'))[1].matchAll(/X\((\w+),/g)].map((m) => m[1].toLowerCase())
if (units.size < 10 || verbs.length < 20) faults.push(`${units.size} units of policies/*.yaml and ${verbs.length} verbs of the journal were found: what they are read from is written otherwise`)
for (const unit of units) if (!spelt.includes(unit) && !words.zh.has(`policies.unit.${unit}`)) faults.push(`policies.json has no word for the unit ${unit}`)
for (const verb of verbs) if (!words.zh.has(`verb.${verb}`)) faults.push(`verb.json has no word for ${verb}`)

const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((e) => e.isFile() && /\.(vue|ts)$/.test(e.name))
  .map((e) => join(e.parentPath ?? e.path, e.name))
const lettered = (said) => /\p{L}/u.test(said.replaceAll(/&\w+;/g, '')) && !allowed.test(said.trim())
/** What an expression of a template says by itself: texts that are its value, not those it compares with or hands to a function. */
function values(node) {
  if (ts.isStringLiteralLike(node)) return [node.text]
  if (ts.isTemplateExpression(node)) return [node.head.text, ...node.templateSpans.flatMap((span) => [...values(span.expression), span.literal.text])]
  if (ts.isParenthesizedExpression(node)) return values(node.expression)
  if (ts.isConditionalExpression(node)) return [...values(node.whenTrue), ...values(node.whenFalse)]
  if (ts.isBinaryExpression(node)) {
    if (node.operatorToken.kind === ts.SyntaxKind.PlusToken || node.operatorToken.kind === ts.SyntaxKind.BarBarToken || node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken) return [...values(node.left), ...values(node.right)]
    if (node.operatorToken.kind === ts.SyntaxKind.AmpersandAmpersandToken) return values(node.right)
  }
  return []
}
const valuesOf = (expression) => ts.createSourceFile('x.ts', `(${expression})`, ts.ScriptTarget.Latest).statements.flatMap((one) => (ts.isExpressionStatement(one) ? values(one.expression) : []))
const shown = /^(label|title|placeholder|aria-label|aria-description|alt|content|description|start-placeholder|end-placeholder|no-data-text|confirm-button-text|cancel-button-text)$/
/** Faults of the template; its script is handed back. */
function spoken(name, text) {
  const { descriptor } = parse(text)
  const walk = (node) => {
    if (node.type === TEXT && lettered(node.content)) faults.push(`${name}: text in the template: "${node.content.trim()}"`)
    if (node.type === INTERPOLATION) for (const said of valuesOf(node.content.content).filter(lettered)) faults.push(`${name}: text in the template: {{ "${said}" }}`)
    for (const p of node.props ?? []) {
      if (p.type === ATTRIBUTE && shown.test(p.name) && lettered(p.value?.content ?? '')) faults.push(`${name}: text in an attribute: ${p.name}="${p.value.content}"`)
      if (p.type === DIRECTIVE && p.name === 'bind' && shown.test(p.arg?.content ?? '')) for (const said of valuesOf(p.exp?.content ?? '').filter(lettered)) faults.push(`${name}: text in an attribute: :${p.arg.content}="${said}"`)
      if (p.type === DIRECTIVE && p.name === 'text') for (const said of valuesOf(p.exp?.content ?? '').filter(lettered)) faults.push(`${name}: text in v-text: "${said}"`)
    }
    const measured = (node.props ?? []).some((p) => p.type === DIRECTIVE && p.name === 'bind' && p.arg?.content === 'style' && p.exp?.content.includes('}%`'))
    if (['svg', 'canvas'].includes(node.tag) || measured) faults.push(`${name}: <${node.tag}> is a chart of our own: parts/e-chart.vue and parts/small-plots.vue draw`)
    node.children?.forEach(walk)
  }
  if (descriptor.template?.ast) walk(descriptor.template.ast)
  return [descriptor.script?.content, descriptor.scriptSetup?.content].filter(Boolean).join('\n')
}
/** Texts in a script that read as a sentence: two words with a space between them. */
function sentences(script) {
  const out = []
  const walk = (node) => {
    if (ts.isImportDeclaration(node) || ts.isTypeNode(node)) return
    if (ts.isBinaryExpression(node) && /^[!=]==?$/.test(node.operatorToken.getText())) return [node.left, node.right].filter((one) => !ts.isStringLiteralLike(one)).forEach(walk)
    const said = ts.isStringLiteralLike(node) || node.kind === ts.SyntaxKind.TemplateHead || node.kind === ts.SyntaxKind.TemplateMiddle || node.kind === ts.SyntaxKind.TemplateTail ? node.text : ''
    if (/\p{L}{2,} \p{L}{2,}/u.test(said) && !allowed.test(said.trim())) out.push(said)
    ts.forEachChild(node, walk)
  }
  walk(ts.createSourceFile('x.ts', script, ts.ScriptTarget.Latest, true))
  return out
}
const used = new Set()
const stems = [] // t(`menu.${x}`): all keys below are in use
// the name, the languages by their own names, units and genes, which are the same in both
const allowed = /^(警钟 Tocsin|EN|中|English|中文|km|ORF1ab|N|NC)$/
for (const file of files) {
  if (/schema\.d\.ts$/.test(file)) continue
  const text = readFileSync(file, 'utf8')
  const name = file.slice(root.length)
  for (const m of text.matchAll(/\bte?\(\s*['"]([\w.-]+)['"]/g)) used.add(m[1])
  for (const m of text.matchAll(/[`]([a-z_]+(?:\.[a-z_]+)*\.)\$\{/g)) stems.push(m[1])
  for (const m of text.matchAll(/'((?:[a-z_]+\.)+[a-z_0-9]+)'/g)) if (words.zh.has(m[1])) used.add(m[1])
  const code = text.replace(/\/\*[\s\S]*?\*\/|<!--[\s\S]*?-->|(^|\s)\/\/.*$/gm, '')
  if (!/\bapi\/(client|events|jobs)\.ts$/.test(name) && /\b(fetch|EventSource|XMLHttpRequest|WebSocket|sendBeacon)\b\s*\(/.test(code)) faults.push(`${name}: asks the server by itself; src/api does`)
  const script = name.endsWith('.vue') ? spoken(name, text) : text
  for (const said of sentences(script)) faults.push(`${name}: text in the script: "${said}"`)
  for (const m of code.replaceAll('警钟 Tocsin', '').matchAll(/[\u4e00-\u9fff]+/gu)) if (!allowed.test(m[0])) faults.push(`${name}: "${m[0]}" outside the language files`)
}
for (const key of used) if (!words.zh.has(key)) faults.push(`${key} is used and missing`)
for (const key of words.zh.keys()) if (!used.has(key) && !stems.some((s) => key.startsWith(s))) faults.push(`${key} is never used`)
for (const f of [...new Set(faults)]) console.error(f)
console.log(`words: ${words.zh.size} texts in two languages, ${new Set(faults).size} faults`)
process.exit(faults.length ? 1 : 0)
