// Registers as the server declares them; every list, form, import and export of the console derives from these. Read once, kept.
import { get } from '@/api/client'
import { i18n, say, t, type Said } from '@/i18n'

export type FieldType = 'text' | 'code' | 'integer' | 'decimal' | 'boolean' | 'date' | 'instant' | 'duration' | 'region' | 'point' | 'reference'

export interface Field extends Said {
  name: string
  type: FieldType
  required: boolean
  sealed: boolean
  multiple?: boolean
  scale?: number
  min?: number
  max?: number
  codes?: string
  target?: string
  unit?: string
  indexed?: boolean
  /** Where another field says `is`, these codes remain. */
  narrowed?: { when: string; is: string; among: string[] }[]
  check?: 'document' | 'id-card' | 'unit-code' | 'phone'
  /** By a default or a reference when nothing is given. */
  filled?: boolean
  synonyms?: string[]
  note_zh?: string
  note_en?: string
}
export interface State extends Said {
  name: string
  initial: boolean
  final: boolean
}
export interface Register extends Said {
  name: string
  desk: string
  may: { read: boolean; write: boolean; open?: boolean }
  /** Roles. */
  readers: string[]
  writers: string[]
  openers: string[]
  fields: Field[]
  states: State[]
  moves: { from: string; to: string }[]
  sorts?: string[]
}
export interface Code extends Said {
  code: string
}
export type Cell = string | number | boolean | string[] | null | undefined
export interface Row {
  id: number
  register: string
  version: number
  state?: string
  number?: string
  region: string
  created_at: string
  changed_at: string
  fields: Record<string, Cell>
}
export const MASK = '***'

function once<T>(load: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const kept = new Map<string, Promise<T>>()
  return (name) => {
    let held = kept.get(name)
    if (!held) {
      held = load(name)
      held.catch(() => kept.delete(name))
      kept.set(name, held)
    }
    return held
  }
}

export const registersAll = once(async () => (await get<{ registers: Omit<Register, 'fields' | 'states' | 'moves'>[] }>('registers')).registers)
export const registerOf = once((name) => get<Register>(`registers/${name}`))

const lists = new Map<string, Map<string, Code>>()
export const codesOf = once(async (name) => {
  const codes = (await get<{ codes: Code[] }>(`codes/${name}`)).codes
  lists.set(name, new Map(codes.map((c) => [c.code, c])))
  return codes
})

/** A register with every code list that its cells need to be shown. */
export async function registerReady(name: string): Promise<Register> {
  const reg = await registerOf(name)
  await Promise.all([...new Set(reg.fields.flatMap((f) => (f.codes ? [f.codes] : [])))].map(codesOf))
  return reg
}

export function codeTitle(list: string | undefined, code: string): string {
  return say(list ? lists.get(list)?.get(code) : undefined, code)
}

const zone = 8 * 3600_000
/** Instants in the jurisdiction's own time, to the minute; dates as they are. */
export function instantText(iso: string): string {
  const at = Date.parse(iso)
  return Number.isNaN(at) ? iso : new Date(at + zone).toISOString().slice(0, 16).replace('T', ' ')
}

/** A time something is due by: midnight is the end of the day before. */
export function dueText(iso: string): string {
  const text = instantText(iso)
  return text.endsWith(' 00:00') ? `${instantText(new Date(Date.parse(iso) - 60_000).toISOString()).slice(0, 10)} 24:00` : text
}

/** Who did something: a login, or in words what the house itself did, at the machine or by its clock. */
export const actorText = (login: string): string => (i18n.global.te(`actor.${login}`) ? t(`actor.${login}`) : login)

/** A count as people read it. */
export const many = (n: number | null | undefined): string => (n === null || n === undefined ? '–' : n.toLocaleString('en-US'))

/** A cell in words. */
export function cellText(f: Field, v: Cell): string {
  if (v === null || v === undefined || v === '') return ''
  if (Array.isArray(v)) return v.map((one) => codeTitle(f.codes, one)).join(t('cell.and'))
  if (f.type === 'code') return codeTitle(f.codes, String(v))
  if (f.type === 'instant') return instantText(String(v))
  if (f.type === 'boolean') return t(v ? 'cell.yes' : 'cell.no')
  if (typeof v === 'number' && f.type !== 'reference') return v.toLocaleString('en-US', { maximumFractionDigits: f.scale ?? 0, useGrouping: f.type === 'integer' && Math.abs(v) >= 10000 }) + (f.unit ? ` ${f.unit}` : '')
  return String(v)
}
