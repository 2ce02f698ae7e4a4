// Names of what a list refers to: something stands for each until it has come, and what came into sight meanwhile is asked for together.
import { ref } from 'vue'

import { get, Problem } from '@/api/client'
import { MASK, registerOf, type Row } from '@/api/registers'
import { language, say } from '@/i18n'

const AT_ONCE = 1000 // wanted at once: more than any screen shows; who scrolled past the first of them left them behind
const KEPT = 20_000 // names in memory

/** What may not be read has no name here; what did not come as the server was away may come yet. */
export function refused(e: unknown): [] {
  if (e instanceof Problem && e.away) throw e
  return []
}

/** `load` is asked for keys when none has been added for `rest_ms`; what it does not answer keeps standing for itself. Who shows a name is told of all that came, once. */
export function useNames(load: (keys: string[]) => Promise<[string, string][]>, rest_ms: number): { nameOf: (key: string, meanwhile: string) => string; known: () => number } {
  const names = new Map<string, string>()
  const come = ref(0)
  const wanted = new Set<string>()
  let timer = 0
  const kept = (key: string): string => `${language()} ${key}`
  function first(of: Iterable<string>): string {
    const [key = ''] = of
    return key
  }
  async function asked(): Promise<void> {
    const keys = [...wanted]
    wanted.clear()
    const got = await load(keys).catch(() => null)
    if (!got) return keys.forEach((key) => names.delete(kept(key))) // the server was away: asked for again when it is drawn again
    for (const [key, name] of got) names.set(kept(key), name)
    if (got.length) come.value++
  }
  return {
    nameOf(key, meanwhile) {
      void come.value
      const held = names.get(kept(key))
      if (held === undefined) {
        names.set(kept(key), meanwhile)
        if (names.size > KEPT) names.delete(first(names.keys()))
        wanted.add(key)
        if (wanted.size > AT_ONCE) {
          const past = first(wanted)
          wanted.delete(past)
          names.delete(kept(past))
        }
        window.clearTimeout(timer)
        timer = window.setTimeout(() => void asked(), rest_ms)
      }
      return held ?? meanwhile
    },
    known: () => come.value,
  }
}

export const rowName = (r: Row): string => r.number || [r.fields.title, r.fields.name, r.fields.pack].map((v) => String(v ?? '')).find((v) => v && v !== MASK) || `#${r.id}`
/** Registers whose records are called nothing that everybody may read. */
const nameless = new Set<string>()
/** Whom it is of, and where: what people call a record by that has neither number nor title, a stay or a test. */
const whom = ['contact', 'case', 'person']
const where = ['place', 'site', 'organisation']
async function namesOf(keys: string[], alone = true): Promise<[string, string][]> {
  const of = new Map<string, string[]>()
  for (const key of keys) {
    const [register, id] = key.split('/') as [string, string]
    of.set(register, [...(of.get(register) ?? []), id])
  }
  const parts = [...of].flatMap(([register, ids]) => Array.from({ length: Math.ceil(ids.length / 200) }, (_, i) => ({ register, ids: ids.slice(200 * i, 200 * i + 200) })))
  const told = await Promise.all(
    parts.map(async ({ register, ids }) => {
      const of = await registerOf(register)
      if (!of.may.read) return ids.map((id) => [`${register}/${id}`, `#${id}`] as [string, string]) // what one may not read is not asked for
      const open = of.fields.filter((f) => !f.sealed)
      const own = open.filter((f) => f.name === 'title' || f.name === 'name' || f.name === 'pack')
      const calls = alone && !own.length ? [whom, where].map((names) => names.flatMap((n) => open.find((f) => f.type === 'reference' && f.name === n) ?? [])) : []
      const fields = [...own, ...calls.flat()].map((f) => f.name)
      const rows = (await get<{ rows: Row[] }>(`registers/${register}/records`, { id: ids.join(','), limit: 200, fields: fields.join(',') || undefined })).rows
      if (rows.length && !fields.length && rows.every((r) => !r.number)) nameless.add(register)
      const refersTo = (r: Row): string[] => (r.number ? [] : calls.flatMap((some) => some.filter((f) => r.fields[f.name]).slice(0, 1).map((f) => `${f.target}/${String(r.fields[f.name])}`)))
      const others = new Map(await namesOf([...new Set(rows.flatMap(refersTo))], false))
      const person = others.size ? await registerOf('person') : undefined
      const called = (key: string): string => (key.startsWith('person/') ? `${say(person)} ` : '') + (others.get(key) ?? `#${key.split('/')[1]}`)
      return rows.map((r) => [`${register}/${r.id}`, refersTo(r).map(called).join(' · ') || rowName(r)] as [string, string])
    }).map((p) => p.catch(refused)),
  )
  return told.flat()
}
const records = useNames(namesOf, 150)
/** What a record is called in a list: its number or its title, else whom it is of and where; #id until that has come and where there is nothing of it. */
export function recordName(register: string | undefined, id: unknown): string {
  if (!id) return ''
  return !register || nameless.has(register) ? `#${String(id)}` : records.nameOf(`${register}/${String(id)}`, `#${String(id)}`)
}
/** What something is called that the server tells with a number, or with its id where there is none. */
export const calledBy = (number: string | undefined, register: string, id: number): string => (number && number !== String(id) ? number : recordName(register, id))
export const recordsKnown = records.known
