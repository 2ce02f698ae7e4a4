// The region tree, read as it is opened: children of one region at a time.
import { get } from '@/api/client'
import { refused, useNames } from '@/api/names'
import type { Row } from '@/api/registers'
import { language, t } from '@/i18n'

export interface RegionNode {
  code: string
  title: string
  leaf: boolean
}

const kept = new Map<string, Promise<Row[]>>()
function ask(query: Record<string, string | number>): Promise<Row[]> {
  const key = JSON.stringify(query)
  let held = kept.get(key)
  if (!held) {
    held = get<{ rows: Row[] }>('registers/region/records', { ...query, limit: 500, fields: 'code,title,title_en,level,parent' }).then((got) => got.rows)
    held.catch(() => kept.delete(key))
    kept.set(key, held)
  }
  return held
}

function titleOf(row: Row | undefined, code: string): string {
  if (!row) return code
  return String((language() === 'en' && row.fields.title_en) || row.fields.title || code)
}

const levels: Record<number, number> = { 2: 1, 4: 2, 6: 3, 9: 4, 12: 5 }
export async function regionTitle(code: string): Promise<string> {
  if (!code) return ''
  // a region stands for everything below it in a filter: its level leaves the region itself
  return titleOf((await ask({ code, level: levels[code.length] ?? 5 })).find((r) => r.fields.code === code), code)
}

/** The titles of all regions that came into sight meanwhile: one request a level and two hundred, not one a region. */
const names = useNames(async (codes) => {
  const of = new Map<number, string[]>()
  for (const code of codes) of.set(levels[code.length] ?? 5, [...(of.get(levels[code.length] ?? 5) ?? []), code])
  const parts = [...of].flatMap(([level, list]) => Array.from({ length: Math.ceil(list.length / 200) }, (_, i) => ({ level, code: list.slice(200 * i, 200 * i + 200).join(',') })))
  const rows = (await Promise.all(parts.map((p) => ask(p).catch(refused)))).flat()
  return rows.map((r) => [String(r.fields.code), titleOf(r, String(r.fields.code))])
}, 60)
/** Changes with every title that has come. */
export const namesKnown = names.known
/** The title of a region for a list: its code until the title has come. */
export const regionName = (code: string): string => (code ? names.nameOf(code, code) : '')

/** A region that owes is its government, by name; by its level where no more than the code is known, because it lies above what one may see. */
export function governmentName(code: string): string {
  const where = regionName(code)
  return where === code && levels[code.length] ? t(`board.government_of.${code.length}`) : t('board.government', { where })
}

/** The number of a case where there is little room: street, day and place in the row; two streets count from 1 each on the same day. */
export function caseShort(number: string): string {
  const parts = /^\w+-(\d{6,12})-\d{4}(\d{4}-\d+)$/.exec(number)
  return parts ? `${regionName(parts[1] as string)} ${parts[2]}` : number
}

/** "Shanghai / Pudong / ..." from the province down. */
export async function regionPath(code: string): Promise<string> {
  const steps = [2, 4, 6, 9, 12].filter((n) => n <= code.length).map((n) => code.slice(0, n))
  const titles = await Promise.all(steps.map(regionTitle))
  return titles.filter((title, i) => title !== steps[i] || i === steps.length - 1).join(' / ')
}

/** Children of a region; null: the tops, which are the asker's own regions. */
export async function regionsBelow(parent: string | null, tops: string[]): Promise<RegionNode[]> {
  if (parent === null && tops.some((code) => code)) return Promise.all(tops.map(async (code) => ({ code, title: await regionTitle(code), leaf: code.length >= 12 })))
  const rows = await ask(parent === null ? { level: 1 } : { parent })
  return rows.map((r) => ({ code: String(r.fields.code), title: titleOf(r, String(r.fields.code)), leaf: String(r.fields.code).length >= 12 }))
}
