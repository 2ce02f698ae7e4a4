// node scripts/demo-round.mjs residents|sheets|pack DAY, in the demo's folder: the files of its round of testing, in round/. Made up; the same every time.
import { readFileSync, writeFileSync } from 'node:fs'

const [what, day] = process.argv.slice(2)
let seed = 20220530
const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647
const pick = (list) => list[Math.floor(random() * list.length)]
const two = (n) => String(n).padStart(2, '0')
const clock = (minutes) => `${two(Math.floor(minutes / 60))}:${two(Math.floor(minutes % 60))}`
const rows = (file) => readFileSync(`round/${file}.csv`, 'utf8').replace(/^\ufeff/, '').trim().split(/\r?\n/).map((l) => l.split(','))
const write = (file, lines) => writeFileSync(`round/${file}.csv`, `${lines.join('\n')}\n`)

/** Streets: residents, blocks, the share swabbed by five o'clock, and their sites: the share of the street, minutes waited, people waiting. */
const streets = [
  { code: '310199001', name: '枫林', people: 600, done: 0.93, sites: [[1, 0.4, 8, 12], [2, 0.35, 12, 25], [3, 0.25, 5, 6]] },
  { code: '310199002', name: '望江', people: 500, done: 0.64, sites: [[4, 0.45, 22, 40], [5, 0.35, 31, 66], [6, 0.2, 14, 10]] },
  { code: '310199003', name: '云溪', people: 400, done: 0.34, sites: [[7, 0.5, 58, 130], [8, 0.5, 36, 60], [9, 0, -1, -1]] },
]
/** GB 11643: the check digit of the first seventeen. */
function card(first) {
  const sum = [...first].reduce((s, d, i) => s + Number(d) * (2 ** (17 - i) % 11), 0)
  return first + '10X98765432'[sum % 11]
}
function residents() {
  const lines = ['name,sex,birth,doc_type,doc_no,phone,address,community,address_region']
  for (const s of streets)
    for (let i = 0; i < s.people; i++) {
      const block = 1 + Math.floor((i * 12) / s.people)
      const birth = `${1935 + Math.floor(random() * 82)}${two(1 + Math.floor(random() * 12))}${two(1 + Math.floor(random() * 28))}`
      const man = random() < 0.5
      const name = pick([...'王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗']) + pick([...'建秀志丽海美国小文春思嘉子雨']) + pick([...'华英明芳军红平玉强霞涵轩怡辰'])
      lines.push([name, man ? 'M' : 'F', `${birth.slice(0, 4)}-${birth.slice(4, 6)}-${birth.slice(6)}`, 'id-card', card(`310115${birth}${String(100 + i).slice(-2)}${man ? 1 + 2 * Math.floor(random() * 5) : 2 * Math.floor(random() * 5)}`), `138${String(10000000 + Math.floor(random() * 89999999))}`, `${s.name}路${block}弄${1 + (i % 20)}号`, `${s.name}${Math.ceil(block / 4)}村${block}号楼`, s.code].join(','))
    }
  write('residents', lines)
}

/** Who comes to a site, from eight till five, more of them towards the evening; ten to a tube, the last one not full. */
function sheets() {
  const known = rows('known').slice(1).filter((c) => /^\d{17}[\dX]$/.test(c[1]))
  const lives = new Map(rows('residents').slice(1).map((c) => [c[4], { street: c[8], community: c[7] }]))
  const people = rows('people').slice(1)
  const untested = ['doc_no,name,reason,since']
  const packed = ['barcode,box']
  const boxes = []
  const queues = []
  const came = []
  for (const [k, s] of streets.entries()) {
    const all = people.filter((c) => lives.get(c[1])?.street === s.code)
    // buildings differ: some are through, some have hardly begun
    const here = all.filter((c) => random() < s.done * (0.75 + 0.5 * ((Number(/(\d+)号楼/.exec(lives.get(c[1]).community)[1]) * 7) % 12) / 11))
    const there = new Set(here)
    for (const c of all) if (!there.has(c) && random() < 0.4) untested.push([c[1], c[2], pick(['away', 'away', 'away', 'medical', 'refused', 'elsewhere']), day].join(','))
    let from = 0
    for (const [n, share, wait, waiting] of s.sites) {
      const more = n % 3 === 1 ? known.slice(60 * k, 60 * k + 60) : []
      const list = [...more, ...here.slice(from, (from += Math.round(share * here.length)))]
      if (waiting >= 0) queues.push([n, waiting, wait].join(','))
      const lines = ['tube,doc_no,name,swabbed_at']
      const tubes = new Map()
      list.forEach((c, i) => {
        const tube = `C${n}${String(Math.floor(i / 10) + 1).padStart(4, '0')}`
        const at = 480 + 535 * ((i + 1) / (list.length + 1)) ** 0.8
        lines.push([tube, c[1], c[2], `${day}T${clock(Math.max(480, at))}`].join(','))
        if (i % 10 === 9) tubes.set(tube, at)
      })
      write(`sheet-${n}`, lines)
      const box = (which, sealed, received, wanted) => {
        const its = [...tubes].filter(([, at]) => wanted(at)).map(([tube]) => tube)
        if (!its.length) return
        const code = `B${String(n).padStart(3, '0')}${which}`
        boxes.push([code, n, clock(sealed), received ? clock(received) : ''].join(','))
        its.forEach((tube) => packed.push([tube, code].join(',')))
        if (!received) return
        const arrived = its.filter((_, i) => !(n === 4 && which === 1 && i === 2))
        write(`came-${code}`, n === 5 && which === 1 ? [...arrived, 'C70001'] : arrived)
        came.push(...arrived.map((tube) => ({ tube, received })))
      }
      box(1, 750, n === 7 ? 0 : 840 + n, (at) => at < 745)
      box(2, 930, n < 4 ? 980 + n : 0, (at) => at >= 745 && at < 925)
    }
  }
  write('untested', untested)
  write('queues', queues)
  write('boxes', boxes)
  write('packed', packed)
  const first = came.filter((c) => c.received < 900).map((c) => c.tube)
  plate('P1', first.slice(0, 24), { C10003: ['31.8', '30.9'] }, '27.3')
  plate('P2', first.slice(24), { [first[26]]: ['29.4', '28.7'], [first[31]]: ['38.6', 'NoCt'] }, '27.1')
  plate('P3', came.filter((c) => c.received >= 900).map((c) => c.tube), {}, '38.9')
}
/** The tubes as the node has them (round/tubes.csv), each with the box it went into. */
function pack() {
  const box = new Map(rows('packed').slice(1))
  const id = new Map(rows('boxids'))
  const [head, ...tubes] = rows('tubes')
  const at = (name) => head.indexOf(name)
  for (const t of tubes) t[at('box')] = id.get(box.get(t[at('barcode')])) ?? ''
  write('packing', [head.join(','), ...tubes.filter((t) => t[at('box')]).map((t) => t.join(','))])
}
/** Wells column by column; the controls are the last two. */
function plate(name, tubes, found, control) {
  const lines = ['孔位,样本编号,样本类型,ORF1ab Ct,N Ct,内标', 'G12,NC,阴性对照,NoCt,NoCt,25.1', `H12,PC,阳性对照,${control},26.9,25.4`]
  tubes.slice(0, 94).forEach((tube, i) => lines.push([`${'ABCDEFGH'[i % 8]}${1 + Math.floor(i / 8)}`, tube, '样本', ...(found[tube] ?? ['NoCt', 'NoCt']), (23 + random() * 3).toFixed(1)].join(',')))
  write(name, lines)
}
({ residents, sheets, pack })[what]()
