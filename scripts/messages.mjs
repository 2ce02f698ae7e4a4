#!/usr/bin/env node
// scripts/messages.mjs: no message reaches a user in English only. Prints, one a line: a message of the calls below that neither brings its own Chinese
// ("English / 中文") nor has a line in src/base/words.c; a line there that no source uses; lines out of order; a Chinese text that asks for other values.
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const calls = /\b(error_set|yaml_error|expr_error|reason_fill|complain|usage|xml_fail|too_large|cell_error|failed|damage)\s*\(/g
// What such a message says comes from inside it, in both languages.
const carriers = new Set(['%s', '%s / %s', '%s: %s / %s: %s', "'%.*s'%s: %s", '%s of field %s: %s', 'default of field %s: %s', "the record's region"])
const chinese = /[\u3000-\u9fff\uff00-\uffef]/
const literal = /"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*/g
const plain = s => s.match(/"(?:[^"\\]|\\.)*"/g).map(x => x.slice(1, -1)).join('')
const faults = []

function sources(dir) {
    return readdirSync(dir).sort().flatMap(name => {
        const path = join(dir, name)
        return statSync(path).isDirectory() ? sources(path) : /\.[ch]$/.test(name) ? [path] : []
    })
}

// The text between the bracket at `from` and its partner.
function inside(text, from) {
    let depth = 1, quote = ''
    let i = from
    for (; i < text.length && depth; i++) {
        const c = text[i]
        if (quote) {
            if (c === '\\') i++
            else if (c === quote) quote = ''
        } else if (c === '"' || c === "'") quote = c
        else if (c === '(') depth++
        else if (c === ')') depth--
    }
    return text.slice(from, i - 1)
}

const table = readFileSync('src/base/words.c', 'utf8')
const words = [...table.matchAll(/^ {4}\{"((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\},$/gm)].map(m => ({ en: m[1], zh: m[2] }))
const known = new Map(words.map(w => [w.en, w.zh]))
const bytes = s => Buffer.from(s.replace(/\\(.)/g, '$1'))
const values = s => s.match(/%(?:[-+ #0]*[\d*]*(?:\.[\d*]+)?(?:hh|h|ll|l|z)?[diouxXscp%])/g)?.filter(v => v !== '%%') ?? []
words.forEach((w, i) => {
    if (i && Buffer.compare(bytes(words[i - 1].en), bytes(w.en)) >= 0) faults.push(`src/base/words.c: out of order: "${w.en}"`)
    const en = values(w.en), zh = values(w.zh)
    if (!chinese.test(w.zh)) faults.push(`src/base/words.c: not Chinese: "${w.zh}"`)
    if (zh.some((v, k) => v !== en[k])) faults.push(`src/base/words.c: other values in the Chinese of "${w.en}"`)
})

const used = new Set()
for (const path of sources('src').filter(p => p !== join('src', 'base', 'words.c'))) {
    const text = readFileSync(path, 'utf8').replace(/'\\?"'/g, "' '")
    for (const m of text.matchAll(literal)) used.add(plain(m[0]))
    if (!path.endsWith('.c')) continue
    for (const m of text.matchAll(calls)) {
        const args = inside(text, m.index + m[0].length)
        if (chinese.test(args)) continue
        for (const l of args.matchAll(literal)) {
            const message = plain(l[0])
            if (!/ |%/.test(message.trim()) || message.startsWith('out of memory') || carriers.has(message) || known.has(message)) continue
            faults.push(`${path}:${text.slice(0, m.index).split('\n').length}: English only: "${message}" (add " / 中文" or a line in src/base/words.c)`)
        }
    }
}
for (const w of words) if (!used.has(w.en)) faults.push(`src/base/words.c: no source uses "${w.en}"`)
if (faults.length) console.log(faults.join('\n'))
