// City-wide pooled testing: the round and its figures, sites, the laboratory's bench, recalls. What the answers hold comes from the API's own document.
import { ask, get } from '@/api/client'
import type { Row } from '@/api/registers'
import type { Told } from '@/api/told'
import { dayOf } from '@/api/report'

type Schemas = Told
export type Figures = Schemas['RoundFigures']
export type Site = NonNullable<Schemas['RoundSites']['sites'][number]>
export type Hours = Schemas['RoundHours']
export type Coverage = NonNullable<Schemas['RoundCoverage']['rows'][number]>
export type Forecast = Schemas['RoundForecast']
export type Waiting = Schemas['LabWaiting']
export type Box = Schemas['BenchBox']
export type Run = Schemas['BenchRun']
export type Well = NonNullable<Run['wells']>[number]
export type Report = Schemas['LabReport']
export type RecalledTube = Schemas['RecalledTube']
export type SwabsAnswer = Schemas['SwabsAnswer']
export type TubeSheets = Schemas['TubeSheets']
export type Member = NonNullable<Schemas['RecallList']['members'][number]>

/** Why somebody is not swabbed, in the order of the bars; the last is nobody knows why. */
export const reasons = ['away', 'isolated', 'medical', 'refused', 'elsewhere', 'other'] as const
export const stages = ['fill', 'ship', 'test', 'release'] as const

export interface Round {
  id: number
  title: string
  seq: number
  state: string
  region: string
  starts: string
}
/** Rounds, those under way first, then the newest. */
export async function roundsAll(): Promise<Round[]> {
  const rounds = (await get<{ rows: Row[] }>('registers/round/records', { sort: '-id', limit: 100 })).rows
  const ids = [...new Set(rounds.map((r) => Number(r.fields.campaign)))]
  const titles = new Map<number, Row>()
  if (ids.length) (await get<{ rows: Row[] }>('registers/campaign/records', { id: ids.join(','), limit: ids.length })).rows.forEach((c) => titles.set(c.id, c))
  const order = (r: Row): number => (r.state === 'open' ? 0 : r.state === 'planned' ? 2 : 1)
  return [...rounds].sort((a, b) => order(a) - order(b) || b.id - a.id).map((r) => ({ id: r.id, seq: Number(r.fields.seq), state: r.state ?? '', region: titles.get(Number(r.fields.campaign))?.region ?? r.region, title: String(titles.get(Number(r.fields.campaign))?.fields.title ?? `#${r.id}`), starts: String(r.fields.starts_at ?? '') }))
}

export const of = (round: number, what: string): string => `sampling/rounds/${round}/${what}`
export const figuresOf = (round: number): Promise<Figures> => get<Figures>(of(round, 'figures'))
export const hoursOf = (round: number): Promise<Hours> => get<Hours>(of(round, 'hours'))
export const sitesOf = async (round: number): Promise<Site[]> => (await get<Schemas['RoundSites']>(of(round, 'sites'), { limit: 2000 })).sites as Site[]
export const coverageOf = async (round: number, street = '', buildings = false): Promise<Coverage[]> => (await get<Schemas['RoundCoverage']>(of(round, 'coverage'), { street, buildings: buildings || undefined })).rows as Coverage[]
export const forecastOf = (round: number): Promise<Forecast> => get<Forecast>(`testing/rounds/${round}/forecast`)
export const waitingOf = (round: number): Promise<Waiting> => get<Waiting>('laboratory/waiting', { round })

/** Ids of people of a building without a swab, for one reason; `after` goes on. */
export const peopleOf = (round: number, street: string, community: string, why: string, after = 0): Promise<Schemas['RoundPeople']> => get<Schemas['RoundPeople']>(of(round, 'people'), { street, community, no_building: !community || undefined, why, after, limit: 50 })

export const boxesOf = async (laboratory: number | null): Promise<Box[]> => (await get<Schemas['BenchBoxes']>('laboratory/boxes', { laboratory, limit: 200 })).boxes
export const boxOf = (id: number): Promise<Box> => get<Box>(`laboratory/boxes/${id}`)
export const runsOf = async (laboratory: number | null): Promise<Run[]> => (await get<Schemas['BenchRuns']>('laboratory/runs', { laboratory, limit: 50 })).runs
export const runOf = (id: number): Promise<Run> => get<Run>(`laboratory/runs/${id}`)
export const recallsOf = (round: number | null): Promise<Schemas['RecalledTubes']> => get<Schemas['RecalledTubes']>('laboratory/recalls', { round })
/** Opens names and addresses: journalled with the purpose. */
export const membersOf = async (tubes: string[], purpose: string): Promise<Member[]> => (await ask<Schemas['RecallList']>('laboratory/recalls', { method: 'POST', body: { tubes }, purpose })).data.members as Member[]

/** A table as the server takes it: CSV, or XLSX by its name. */
export const sheetBody = (file: File): Blob => file.slice(0, file.size, file.name.toLowerCase().endsWith('.xlsx') ? 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet' : 'text/csv')

/** Hours from a moment as a clock time, with the day when it is another one. */
export function clockAfter(at: string, hours: number | null | undefined): string | null {
  if (hours === null || hours === undefined) return null
  const base = Date.parse(at)
  const text = new Date(base + hours * 3600_000 + 8 * 3600_000).toISOString().slice(0, 16).replace('T', ' ')
  return text.slice(0, 10) === dayOf(at) ? text.slice(11) : text.slice(5)
}
export const percent = (share: number | null | undefined, digits = 1): string => (share === null || share === undefined ? '–' : `${(100 * share).toFixed(digits)}%`)
