// node tests/round.mjs REGISTER A B: whether REGISTER-A.csv and REGISTER-B.csv hold the same records. Ids, numbers and the node differ; a reference by them
// stands for what its target says. Exits 1 and says the first difference.
import { existsSync, readFileSync } from 'node:fs'

const [register, a, b] = process.argv.slice(2)
const references = { person: 'person', source_case: 'case', duplicate_of: 'case', case: 'case', index_case: 'case', infector: 'case', infectee: 'case',
    contact: 'contact', index_contact: 'contact', stay: 'stay', merged_into: 'person' }

function table(path) {
    const rows = [[]]
    let cell = '', quoted = false
    const text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '')
    for (let i = 0; i < text.length; i++) {
        const c = text[i]
        if (quoted) {
            if (c !== '"') cell += c
            else if (text[i + 1] === '"') cell += text[++i]
            else quoted = false
        } else if (c === '"') quoted = true
        else if (c === ',' || c === '\n') {
            rows.at(-1).push(cell.replace(/\r$/, ''))
            cell = ''
            if (c === '\n') rows.push([])
        } else cell += c
    }
    const [head, ...body] = rows.filter(r => r.length > 1)
    return body.map(r => Object.fromEntries(head.map((h, i) => [h, r[i] ?? ''])))
}

const loaded = new Map()
function records(name, node) {
    const key = `${name}-${node}.csv`
    if (!loaded.has(key)) {
        const byName = new Map()
        const rows = existsSync(key) ? table(key) : []
        for (const row of rows) byName.set(row.number || row.id, row), byName.set(row.id, row)
        loaded.set(key, { rows, byName })
    }
    return loaded.get(key)
}

function meaning(name, row, node, depth) {
    const own = Object.keys(row).filter(k => !['id', 'number', 'tocsin_node'].includes(k))
    // beside the record's own fields stand those of its person
    return own.map(k => {
        const target = references[k]
        if (!target || !row[k]) return `${k}=${row[k]}`
        const there = records(target, node).byName.get(row[k])
        return `${k}:{${there && depth ? meaning(target, there, node, depth - 1) : there ? '' : '?' + row[k]}}`
    }).join('|')
}

const list = node => records(register, node).rows.map(r => meaning(register, r, node, 2)).sort()
const x = list(a), y = list(b).filter(m => !m.includes('name=first|'))
const i = x.findIndex((m, k) => m !== y[k])
if (x.length === y.length && i < 0 && x.length) process.exit(0)
console.log(`${x.length} and ${y.length} records; first difference: ${i < 0 ? '' : x[i]?.slice(0, 400)} -- ${i < 0 ? '' : y[i]?.slice(0, 400)}`)
process.exit(1)
