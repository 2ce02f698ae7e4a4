// Everything about one case: the card, the person's other records, contacts, links, what was owed, what happened.
import { ask, get } from '@/api/client'
import type { Duty } from '@/api/duties'
import type { Cell, Row } from '@/api/registers'

export interface DutyTold extends Duty {
  state: 'open' | 'standing' | 'paid' | 'lapsed' | 'cancelled'
  raised_at: string | null
  closed_at: string | null
  late: boolean
  days?: { day: number; date: string; state: 'paid' | 'missed' | 'owed' }[]
}
export interface HistoryEntry {
  seq: number
  at: string
  verb: string
  version: number
  actor: string
  reason: string
  purpose: string
  before: Record<string, Cell>
  after: Record<string, Cell>
}
export interface CaseFile {
  card: Row
  etag: string
  person: Row | null
  records: Row[]
  contacts: Row[]
  contactsMore: boolean
  stays: Row[]
  links: Row[]
  receipts: Row[]
  duties: DutyTold[]
  history: HistoryEntry[]
}

type Readable = (register: string) => boolean
const rows = async (register: string, query: Record<string, string | number>, may: Readable): Promise<{ rows: Row[]; next?: string | null }> => (may(register) ? get<{ rows: Row[]; next?: string | null }>(`registers/${register}/records`, query) : { rows: [] })
export const dutiesOf = async (register: string, id: number): Promise<DutyTold[]> => (await get<{ obligations: DutyTold[] }>(`registers/${register}/records/${id}/obligations`)).obligations

/** `id` may be the number of the case. The person is asked for alone when a purpose opens what is sealed of him. */
export async function caseLoad(id: string, may: Readable, purpose: string): Promise<CaseFile> {
  const first = await ask<Row>(`registers/case/records/${encodeURIComponent(id)}`)
  const card = first.data
  const who = Number(card.fields.person) || 0
  const [file, person, contacts, out, in_, receipts, duties, history] = await Promise.all([
    who && may('person') ? get<{ records: Row[] }>(`persons/${who}`) : { records: [] },
    who && may('person') ? ask<Row>(`registers/person/records/${who}`, { purpose: purpose || undefined }).then((a) => a.data) : null,
    rows('contact', { index_case: card.id, limit: 500 }, may),
    rows('link', { infector: card.id, limit: 200 }, may),
    rows('link', { infectee: card.id, limit: 50 }, may),
    rows('receipt', { case: card.id, limit: 50 }, may),
    dutiesOf('case', card.id),
    get<{ entries: HistoryEntry[] }>(`registers/case/records/${card.id}/history`),
  ])
  const ids = contacts.rows.map((c) => c.id)
  const stays: Row[] = []
  for (let i = 0; i < ids.length; i += 100) stays.push(...(await rows('stay', { contact: ids.slice(i, i + 100).join(','), limit: 500 }, may)).rows)
  return {
    card,
    etag: first.etag,
    person,
    records: file.records.filter((r) => !(r.register === 'case' && r.id === card.id)),
    contacts: contacts.rows,
    contactsMore: !!contacts.next,
    stays,
    links: [...out.rows, ...in_.rows],
    receipts: receipts.rows,
    duties,
    history: history.entries,
  }
}

/** Numbers of other cases, for a graph. */
export async function casesNamed(ids: number[]): Promise<Map<number, Row>> {
  if (!ids.length) return new Map()
  const got = await get<{ rows: Row[] }>('registers/case/records', { id: ids.slice(0, 200).join(','), limit: 200, fields: 'classification,report_date,onset' })
  return new Map(got.rows.map((r) => [r.id, r]))
}
