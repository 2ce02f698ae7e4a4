// Tracing: who met whom, where cases were, how fast contacts are placed, who infected whom. Looks need a purpose, which is asked once and sent with each.
import { ref } from 'vue'

import { ask } from '@/api/client'
import { spellText } from '@/api/report'

export interface Span {
  n: number
  p50: number | null
  p90: number | null
  max: number | null
  within: number
}
export interface Requests {
  letters: number
  open: number
  overdue: number
  replied: number
  in_time: number
  asked: number
  done: number
  controlled: number
}
export interface Board {
  at: string
  from: string
  contacts: number
  close: number
  secondary: number
  placed: number
  placed_unknown: number
  queue: number
  queue_overdue: number
  place_limit_min: number
  locate_limit_min: number
  placing: Span
  waiting: Span
  tested: number
  before_result: number
  cases: number
  steps: Record<string, Span>
  inbound: Requests
  outbound: Requests
  investigations_open: number
  to_remove: number
  venues_open: number
  proposals_open: number
}
export interface Evidence {
  place: string
  title?: string
  start: string
  end: string
  overlap_s: number
  source: string
  kind: string
}
export interface Found {
  person: string
  degree: number
  class: string
  overlap_s: number
  first: string
  last: string
  score: number
  pieces: number
  fresh?: boolean
  evidence: Evidence[]
}
export interface Traced {
  from: string
  to: string
  n_contacts: number
  without_visits: number
  damaged_files: number
  forgotten: boolean
  since: { traced_at: string; added: number; kept: number; removed: number; gone: number[] } | null
  contacts: Found[]
  more: boolean
  venues: { place: string; title?: string; from: string; to: string; visits_a_day: number }[]
}
export interface Visitors {
  place: string
  from: string
  to: string
  n_visitors: number
  visitors: { person: string; first: string; last: string; there_s: number; stays: number; source: string; zone?: number; row?: number }[]
  more: boolean
}
export interface Accepted {
  found: number
  taken: number
  persons_made: number
  contacts_made: number
  contacts_known: number
  contacts_moved: number
  to_remove: number
  venues: number
  refused: number
  reason?: string
  investigation: number
}
export interface Stop {
  origin: 'track' | 'police_feed' | 'industry_feed' | 'visits'
  day: string
  record?: number
  start?: string
  end?: string
  place?: number
  title?: string
  kind?: string
  point?: string
  name?: string
  vehicle?: string
  source?: string
  precision?: string
  note?: string
  zone?: number
  row?: number
}
export interface Timeline {
  case: number
  person: number
  from: string
  to: string
  visits: boolean
  more: boolean
  stops: Stop[]
}
export interface PlaceAtRisk {
  name: string
  place?: number
  title?: string
  kind?: string
  region?: string
  cases: number
  case_hours: number
  contacts: number
  contact_hours: number
  expected: number
  visits_a_day: number
  first?: string
  last?: string
}
export interface ChainCase {
  id: number
  number: string
  region: string
  onset: string | null
  reported: string | null
  class: string
  controlled: boolean
  imported: boolean
  generation: number
  children: number
  descendants: number
  tree: number
}
export interface Chains {
  disease: string
  at: string
  serial_interval_days: number
  serial_interval_sd_days: number
  cut_days: number
  long_days: number
  cases: number
  unlinked: number
  by_machine: number
  by_analyst: number
  roots: number
  outside_control: number
  generations: number[]
  n_chains: number
  open: number
  cut: number
  n_contradictions: number
  n_never_met: number
  chains: { root: ChainCase; size: number; generations: number; open: boolean; long_gaps: number; first: string | null; last: string | null; last_outside: string | null }[]
  contradictions: { kind: string; days: number; infectee: ChainCase; infector?: ChainCase }[]
}
export interface ChainEdge {
  infector: number
  infectee: number
  chance: number
  by: 'candidate' | 'machine' | 'analyst'
}
export interface ChainPart {
  nodes: ChainCase[]
  edges: ChainEdge[]
  more: boolean
  hidden: number
  cases: number
}
export interface Sources {
  case: ChainCase
  by: string
  source: ChainCase | null
  unknown: number
  hidden: number
  candidates: { rank: number; chance: number; days: number; exposure: number; timing: number; genomes: number; differences?: number; case: ChainCase }[]
}

/** Why one looks; kept as long as the page is open, never stored. */
export const purpose = ref('')

export async function look<T>(path: string, query?: Record<string, string | number | undefined>, body?: unknown): Promise<T> {
  return (await ask<T>(`tracing/${path}`, { method: body === undefined ? 'GET' : 'POST', query, body, purpose: purpose.value || undefined })).data
}

/** Minutes as people say them. */
export const minutesText = (m: number | null | undefined, t: Parameters<typeof spellText>[1]): string => spellText(m === null || m === undefined ? null : 60 * m, t)
