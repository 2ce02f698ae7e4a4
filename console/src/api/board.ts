// Everything the command board shows, read in one go: as few requests as there are questions.
import { get } from '@/api/client'
import type { Row } from '@/api/registers'
import { dayOf, type Figures } from '@/api/report'
import type { Said } from '@/i18n'

/** What the report counts (src/desks/bulletin), as filters of a list: a figure leads to the records that it is made of. */
const cases = (classes: string): string => `state=reported,reviewed,closed&classification=${classes}`
export const counted = {
  confirmed: cases('confirmed,clinical'),
  asymptomatic: cases('asymptomatic,carrier'),
  infections: cases('confirmed,clinical,asymptomatic,carrier'),
  stays: 'contact.given=true&kind=central,home,observation,health-monitoring',
}
export interface Counts {
  open: number
  due_1h: number
  overdue: number
  without_owner: number
  paid: number
  paid_late: number
  lapsed: number
}
export interface Summary {
  at: string
  total: Counts
  closed_rate: number | null
  rules: (Counts & { rule: string; desk: string; register: string })[]
}
export interface Owner extends Counts {
  id: number
  kind: string
  title: string
  region: string
  timeliness: number | null
}
export type ByClass = Record<'confirmed' | 'asymptomatic' | 'suspected', number[]>
export interface CurveByClass {
  from: string
  days: number
  report: ByClass
  onset: ByClass
  without_onset: ByClass
}
export interface RegionLoop extends Said, Counts {
  code: string
  closed_rate: number | null
}
/** What was recorded or changed in the last hour in one register. */
export interface Recent {
  register: string
  n: number
  more: boolean
  rows: Row[]
}
export interface Board {
  summary: Summary
  today: Figures
  curve: CurveByClass
  owners: Owner[]
  loop: RegionLoop[]
}

/** Counts of what is owed in each region right below, in one answer; what lies in none of them stands under the region's own name. */
async function loopOf(figures: Figures): Promise<RegionLoop[]> {
  const got = await get<{ regions: (Counts & { region: string; closed_rate: number | null })[] }>('obligations/regions')
  const named = new Map(figures.cases.regions.map((r) => [r.code, r]))
  return got.regions.map((r) => ({ ...r, code: r.region, zh: r.region === figures.region ? figures.region_zh : named.get(r.region)?.zh, en: r.region === figures.region ? figures.region_en : named.get(r.region)?.en }))
}

export async function boardLoad(days: number): Promise<Board> {
  const summary = await get<Summary>('obligations/summary')
  const day = dayOf(summary.at)
  const [today, curve, owners] = await Promise.all([
    get<Figures>(`reports/${day}`),
    get<CurveByClass>(`reports/${day}/curve`, { days }),
    get<{ owners: Owner[] }>('obligations/owners'),
  ])
  return { summary, today, curve, owners: owners.owners, loop: await loopOf(today) }
}

const watched = ['case', 'contact', 'stay', 'test', 'measure', 'daily_report']
/** What was recorded or changed since; of the registers one may read. */
export async function recentLoad(since: string, readable: (register: string) => boolean): Promise<Recent[]> {
  const all = await Promise.all(
    watched.filter(readable).map(async (register) => {
      const got = await get<{ rows: Row[]; count?: number; count_is?: string }>(`registers/${register}/records`, { changed_since: since, sort: '-id', limit: 8, count: 'estimate' })
      return { register, n: got.count ?? got.rows.length, more: got.count_is === 'at least', rows: got.rows }
    }),
  )
  return all.filter((r) => r.n)
}
