// The report of a day as the API gives it; only what the console shows.
import type { Said } from '@/i18n'

export interface ByOrigin {
  local: number
  imported: number
  unknown: number
}
export interface Spell {
  n: number
  median_s: number | null
  p90_s: number | null
}
export interface Figures {
  day: string
  region: string
  region_zh: string
  region_en: string
  as_of: string
  state: string
  public?: boolean
  cases: {
    new: Record<'confirmed' | 'asymptomatic' | 'suspected', ByOrigin>
    cumulative: Record<'confirmed' | 'asymptomatic' | 'suspected', ByOrigin>
    new_infections: number
    new_infections_yesterday: number
    found_under_control: number
    found_in_community: number
    control_unknown: number
    day_before?: Pick<Figures['cases'], 'new' | 'found_under_control' | 'found_in_community' | 'control_unknown'>
    active: number
    died: number
    recovered: number
    discovery: ({ code: string; n: number } & Said)[]
    regions: ({ code: string; new_total: { confirmed: number; asymptomatic: number }; cumulative: Record<'confirmed' | 'asymptomatic', ByOrigin> } & Said)[]
    times_week: Record<string, Spell>
    times_day: Record<string, Spell>
    curve_onset: Curve
    curve_report: Curve
  }
  contacts: Record<'found' | 'found_secondary' | 'cumulative' | 'observed' | 'placed' | 'released' | 'converted' | 'overdue' | 'uncontrolled' | 'lost', number>
  tests: Record<'sampled' | 'resulted' | 'positive' | 'pending', number>
  rounds?: Partial<Record<'person_times' | 'people' | 'tubes' | 'tubes_resulted' | 'tubes_positive' | 'people_decided' | 'people_positive' | 'target' | 'covered' | 'voluntary', number | null>>
  obligations: { open: number; due_within_1h: number; overdue: number; without_owner: number; paid: number; paid_late: number; closed_loop_ppm: number; rules: ({ code: string; open: number; overdue: number; paid: number } & Said)[] }
  units: { expected: number; reported: number; late: number; list: { title: string; region: string }[] }
  restated: { day: string; was?: number; is?: number; late?: number }[]
  changes: { figure: string; before: number; after: number; entered: number; left: number; in: string[]; out: string[] }[]
}
export interface Curve {
  local: number[]
  imported: number[]
  unknown: number[]
}

/** Today in the jurisdiction, as the server's clock has it. */
export function dayOf(iso: string): string {
  return iso.slice(0, 10)
}
export function spellText(s: number | null | undefined, t: (key: string, named: Record<string, unknown>) => string): string {
  if (s === null || s === undefined) return '–'
  if (s < 0) return `−${spellText(-s, t)}`
  if (s < 3600) return t('time.minutes', { n: Math.round(s / 60) })
  if (s < 2 * 86400) return t('time.hours', { n: Math.round(s / 360) / 10 })
  return t('time.days', { n: Math.round(s / 8640) / 10 })
}
/** A civil day further on, or back. */
export function addDays(day: string, n: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + n * 86400_000).toISOString().slice(0, 10)
}
/** All origins together. */
export function sumOf(o: ByOrigin): number {
  return o.local + o.imported + o.unknown
}
