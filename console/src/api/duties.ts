// What is owed: the list, the rule behind a duty with its clause, and what a desk may do about it.
import { get } from '@/api/client'
import type { Cell, Row } from '@/api/registers'

export interface Duty {
  rule: string
  title: string
  desk: string
  register: string
  record: number
  number: string
  region: string
  due_at: string | null
  overdue: boolean
  level: number
  adoption?: number
  handed?: boolean
  owner?: { kind: string; id?: number; title?: string; region?: string; by?: { kind: string; department?: string; field?: string } }
}
export interface DutyPage {
  obligations: Duty[]
  more: boolean
  next: string | null
}
export const dutyKey = (d: Duty): string => `${d.register}/${d.record}/${d.rule}/${d.due_at ?? ''}`

export interface Provenance {
  source: string
  clause: string
  certainty: 'high' | 'medium' | 'low'
  verified: boolean
}
export interface Timing {
  kind: string
  within_s?: number
  days?: number[]
  due_time_s?: number
}
export interface PolicyRule {
  code: string
  title: string
  desk: string
  on: string
  when: string
  timing: Timing
  from: Provenance
}
export interface Parameter {
  name: string
  title: string
  unit: string
  value: number | number[]
  from: Provenance
}
export interface Limit {
  measure: string
  subject: string
  allowed: boolean
  max_days: number
  from: Provenance
}
export interface Policy {
  name: string
  title: string
  disease: string
  parent: string
  in_force: string
  from: Provenance
  parameters: Parameter[]
  rules: PolicyRule[]
  limits: Limit[]
}
export interface Policies {
  policies: { name: string; title: string; disease: string; parent: string; in_force: string; rules: number; verified: boolean }[]
  adopted: { adoption: number; pack: string; disease: string; region: string; from: string }[]
}

/** The plans in force, read once a screen; titles are in the language they were asked in. */
export function policyBook(): { rule: (d: Duty) => Promise<{ rule: PolicyRule; policy: Policy } | null> } {
  let all: Promise<Policies> | null = null
  const packs = new Map<string, Promise<Policy>>()
  return {
    async rule(d) {
      all ??= get<Policies>('policies')
      const pack = (await all).adopted.find((a) => a.adoption === d.adoption)?.pack
      if (!pack) return null
      let held = packs.get(pack)
      if (!held) packs.set(pack, (held = get<Policy>(`policies/${pack}`)))
      const policy = await held
      const rule = policy.rules.find((r) => r.code === d.rule)
      return rule ? { rule, policy } : null
    },
  }
}

/** One thing that a desk does by one key. What it writes comes from the declaration of the register it writes to. */
export interface Act {
  name: 'locate' | 'done' | 'place' | 'test' | 'check' | 'release' | 'sign' | 'five'
  key: string
  /** Duties on records of these registers; only of these rules, when given. */
  on: string[]
  rules?: string[]
  writes: string
  /** Cells to fill in, of the register that is written. */
  fields: string[]
  preset: (now: string) => Record<string, Cell>
  /** The row of the batch; null: this duty cannot be helped so. */
  row: (d: Duty, record: Row, cells: Record<string, Cell>) => Record<string, unknown> | null
}
const paidBy: Record<string, string> = { 'locate-case': 'located_at', 'core-information': 'core_information_at', 'full-investigation': 'investigated_at', 'direct-report': 'reported_at' }
const person = (r: Row): Cell => r.fields.person
const five = ['searched_at', 'controlled_at', 'supervised_at', 'informed_at', 'cared_at', 'complete_at']
const levels: Record<string, string> = { 'county-receipt': 'county', 'city-receipt': 'city', 'province-receipt': 'province' }

export const acts: Act[] = [
  { name: 'locate', key: 'l', on: ['case'], writes: 'case', fields: ['located_at'], preset: (now) => ({ located_at: now }), row: (d, _, cells) => ({ id: d.record, fields: cells }) },
  {
    name: 'done',
    key: 'd',
    on: ['case'],
    rules: Object.keys(paidBy),
    writes: 'case',
    fields: ['investigated_at'],
    preset: (now) => ({ investigated_at: now }),
    row: (d, _, cells) => (paidBy[d.rule] ? { id: d.record, fields: { [paidBy[d.rule] as string]: cells.investigated_at } } : null),
  },
  {
    name: 'place',
    key: 'p',
    on: ['contact'],
    writes: 'stay',
    fields: ['kind', 'place', 'room', 'started_at'],
    preset: (now) => ({ kind: 'central', started_at: now }),
    row: (d, r, cells) => ({ region: r.region, fields: { ...cells, contact: d.record, person: person(r) } }),
  },
  {
    name: 'test',
    key: 't',
    on: ['contact', 'stay', 'case'],
    writes: 'test',
    fields: ['kind', 'specimen', 'sampled_at', 'result', 'result_at', 'tube'],
    preset: (now) => ({ kind: 'pcr', sampled_at: now, result: 'pending' }),
    row: (d, r, cells) => ({ region: r.region, fields: { ...cells, person: person(r), ...(d.register === 'contact' ? { contact: d.record } : d.register === 'case' ? { case: d.record } : r.fields.contact ? { contact: r.fields.contact } : {}) } }),
  },
  {
    name: 'check',
    key: 'c',
    on: ['stay'],
    writes: 'health_check',
    fields: ['checked_at', 'temperature', 'symptoms', 'abnormal'],
    preset: (now) => ({ checked_at: now, abnormal: false }),
    row: (d, r, cells) => ({ region: r.region, fields: { ...cells, person: person(r), stay: d.record } }),
  },
  {
    name: 'release',
    key: 'r',
    on: ['stay'],
    writes: 'stay',
    fields: ['ended_at', 'end_reason'],
    preset: (now) => ({ ended_at: now }),
    row: (d, _, cells) => ({ id: d.record, state: 'released', fields: cells }),
  },
  {
    name: 'sign',
    key: 's',
    on: ['case'],
    rules: Object.keys(levels),
    writes: 'receipt',
    fields: ['received_at', 'decision'],
    preset: (now) => ({ received_at: now, decision: 'accepted' }),
    row: (d, r, cells) => ({ region: r.region, fields: { ...cells, case: d.record, level: levels[d.rule] } }),
  },
  {
    name: 'five',
    key: 'f',
    on: ['stay'],
    rules: ['five-duties'],
    writes: 'five_duties',
    fields: five,
    preset: (now) => Object.fromEntries(five.map((name) => [name, now])),
    row: (d, r, cells) => ({ region: r.region, fields: { ...cells, person: person(r), stay: d.record, since: String(r.fields.started_at).slice(0, 10) } }),
  },
]
export const actFits = (a: Act, d: Duty): boolean => a.on.includes(d.register) && (!a.rules || a.rules.includes(d.rule))

/** Records behind duties, a few hundred at once, by register. */
export async function recordsOf(duties: Duty[]): Promise<Map<string, Row>> {
  const found = new Map<string, Row>()
  for (const register of new Set(duties.map((d) => d.register))) {
    const ids = [...new Set(duties.filter((d) => d.register === register).map((d) => d.record))]
    for (let i = 0; i < ids.length; i += 200) {
      const part = ids.slice(i, i + 200)
      const got = await get<{ rows: Row[] }>(`registers/${register}/records`, { id: part.join(','), limit: part.length })
      got.rows.forEach((r) => found.set(`${register}/${r.id}`, r))
    }
  }
  return found
}
