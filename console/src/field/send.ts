// The way of what was kept to the server: whenever there is a line, oldest first, in batches, as often as it takes. Every row carries its own key, so that a batch whose
// answer was lost is sent again and makes nothing twice.
import { reactive, readonly } from 'vue'

import { ask, get, Problem, whenSignedOut } from '@/api/client'
import type { Told } from '@/api/told'
import { session, sessionLoad, signAway } from '@/session'
import { add, keep, kept, keyOf, newLock, refuse, remove, rows, unseal, type Box, type Lock, type Row, type Wish } from './shelf'

const BATCH = 50
const MOST_WAIT_S = 60

const state = reactive({
  waiting: 0,
  /** Of those, rows that no key opens: told, and nothing waits for them. */
  shut: 0,
  /** Rows of somebody else on this device: they wait for him. */
  others: {} as Record<string, number>,
  refused: 0,
  sent: 0,
  busy: false,
  line: true,
  /** The device's clock is this much fast, in seconds. */
  off_s: 0,
  last: 0,
  fault: '',
  /** There is something to seal with: one can sample. */
  held: false,
})
export const sending = readonly(state)

let lock: Lock | undefined
/** What opens the rows, by the lock they are sealed to: one that was made in another window of this device too. */
let keys: Map<string, CryptoKey> | null = null
/** Locks whose keys the server has not, as it was asked last; and rows that their own key does not open. */
const missing = new Set<string>()
const damaged = new Set<string>()
let timer: ReturnType<typeof setTimeout> | undefined
let fails = 0

/** Kept on the device, and sent as soon as there is a line. Returns its key. */
export async function put(wish: Wish): Promise<string> {
  if (!lock) throw new Error('locked')
  const key = await add(lock, wish)
  await count()
  void flush()
  return key
}
const shut = (r: Row): boolean => !!keys && (!keys.has(r.kid) || damaged.has(r.key))
async function wishOf(r: Row): Promise<Wish | null> {
  const key = keys?.get(r.kid)
  if (!key) return null
  return unseal<Wish>(key, r.box).catch(() => {
    damaged.add(r.key)
    return null
  })
}
export async function count(): Promise<void> {
  const all = await rows()
  const mine = all.filter((r) => r.owner === lock?.owner)
  state.waiting = mine.filter((r) => r.state === 'waiting').length
  state.shut = mine.filter((r) => r.state === 'waiting' && shut(r)).length
  state.refused = mine.filter((r) => r.state === 'refused').length
  state.others = {}
  for (const r of all) if (r.owner !== lock?.owner) state.others[r.owner] = (state.others[r.owner] ?? 0) + 1
}
/** Without a line too: the lock that was made when there was one. */
export async function begin(): Promise<void> {
  lock = await kept<Lock>('lock')
  state.off_s = (await kept<number>('off')) ?? 0
  state.held = !!lock
  await count()
}
const KEY = 'field.key.'
const name = (kid: string): string => KEY + kid
/** The time as the server has it, by what this device was off when it signed in; what it drifts later the server takes off by itself. */
export function clock(): string {
  return new Date(Date.now() - state.off_s * 1000).toISOString()
}
async function setClock(): Promise<void> {
  const { now } = await get<Required<Pick<Told['Session'], 'now'>>>('session')
  state.off_s = Math.round((Date.now() - Date.parse(now)) / 1000)
  await keep('off', state.off_s)
}
/** With a line: the lock of who is signed in, its key from the server. */
export async function unlock(): Promise<void> {
  const login = session.account?.login
  if (!login) return
  await setClock()
  const all = (await get<{ settings: Record<string, JsonWebKey> }>('session/settings')).settings
  const found = new Map<string, CryptoKey>()
  for (const [what, key] of Object.entries(all)) {
    const opens = what.startsWith(KEY) && (await keyOf(key).catch(() => null))
    if (opens) found.set(what.slice(KEY.length), opens)
  }
  const old = await kept<Lock>(`lock.${login}`)
  if (old && found.has(old.kid)) {
    lock = old
  } else {
    const fresh = await newLock(login)
    await ask('session/settings', { method: 'PATCH', body: { [name(fresh.lock.kid)]: fresh.key } })
    lock = fresh.lock
    found.set(lock.kid, await keyOf(fresh.key))
    await keep(`lock.${login}`, lock)
  }
  keys = found
  missing.clear()
  await keep('lock', lock)
  state.held = true
  await count()
}
/** The shift is over and everything is sent: the key is of no use any more. */
export async function forgetLock(): Promise<void> {
  if (!lock || state.waiting > state.shut || state.refused) return
  const { kid, owner } = lock
  await ask('session/settings', { method: 'PATCH', body: { [name(kid)]: null } }).catch(() => undefined)
  await keep('lock', undefined)
  await keep(`lock.${owner}`, undefined)
  lock = undefined
  keys = null
  state.held = false
}

type Result = Pick<Told['SwabsAnswer']['rows'][number], 'outcome' | 'message'>
/** One batch; false when nothing waited. What the server refuses stays here with its reason, until somebody has seen to it. */
async function once(): Promise<boolean> {
  if (!keys || !lock) return false
  const waiting = (await rows()).filter((r) => r.owner === lock?.owner && r.state === 'waiting')
  if (waiting.some((r) => !keys?.has(r.kid) && !missing.has(r.kid))) {
    await unlock() // another window has made a lock since; once for each that is not there
    for (const r of waiting) if (!keys.has(r.kid)) missing.add(r.kid)
  }
  const mine = waiting.filter((r) => !shut(r)).slice(0, BATCH)
  const all = (await Promise.all(mine.map(async (r) => ({ row: r, wish: await wishOf(r) })))).filter((x): x is { row: Row; wish: Wish } => !!x.wish)
  if (!all.length) return mine.length > 0
  // Swabs together; a tube is closed and a box sealed alone, after what was put into it and before what came later.
  const alone = all.findIndex((x) => !('swab' in x.wish))
  const batch = alone < 0 ? all : alone === 0 ? all.slice(0, 1) : all.slice(0, alone)
  const first = batch[0]?.wish
  let told: Result[]
  if (first && 'close' in first) told = [await closed(first.close, first.table, first.at)]
  else if (first && 'pack' in first) told = [await packed(first.pack)]
  else {
    const swabs = batch.map((x) => ('swab' in x.wish ? x.wish.swab : null))
    const got = await ask<Told['SwabsAnswer']>('sampling/swabs', { method: 'POST', body: { sent_at: clock(), swabs } })
    told = got.data.rows
  }
  const gone: string[] = []
  for (const [i, x] of batch.entries()) {
    const r = told[i]
    if (!r) continue
    if (r.outcome === 'refused') {
      await refuse(lock, x.row, r.message ?? '')
      await said(x.row.key, r.message ?? '')
    } else gone.push(x.row.key)
  }
  await remove(gone)
  state.sent += gone.length
  state.last = Date.now()
  return true
}
async function packed(pack: Box): Promise<Result> {
  try {
    const got = await ask<Told['LabReport']>('sampling/boxes', { method: 'POST', body: { ...pack, seal: true, sent_at: clock() } })
    const not = got.data.rows.filter((r) => r.outcome === 'refused')
    return not.length ? { outcome: 'refused', message: not.map((r) => `${r.tube}: ${r.detail ?? ''}`).join('; ') } : { outcome: 'taken' }
  } catch (e) {
    if (e instanceof Problem && [400, 403, 404, 409, 422].includes(e.status)) return { outcome: 'refused', message: e.detail }
    throw e
  }
}
async function closed(barcode: string, table?: number, at?: string): Promise<Result> {
  try {
    await ask(`sampling/tubes/${encodeURIComponent(barcode)}/close`, { method: 'POST', body: { ...(table && { table }), ...(at && { closed_at: at, sent_at: clock() }) } })
    return { outcome: 'changed' }
  } catch (e) {
    // Closed already, by its last swab or by a request whose answer was lost: what was wanted. Or not ours, as its swabs were told.
    if (e instanceof Problem && (e.status === 409 || e.status === 422)) return { outcome: 'unchanged' }
    if (e instanceof Problem && (e.status === 403 || e.status === 404)) return { outcome: 'refused', message: e.detail }
    throw e
  }
}
let said: (key: string, why: string) => void | Promise<void> = () => undefined
/** Told at the table, at once. */
export function whenRefused(run: typeof said): void {
  said = run
}
/** Sends until nothing waits, or until the line is gone; then it tries again by itself, later and later, never all devices at once. */
export async function flush(): Promise<void> {
  if (state.busy) return
  clearTimeout(timer)
  state.busy = true
  try {
    if (!session.known) await sessionLoad()
    if (!session.account) return
    if (!keys) await unlock()
    while (await once()) await count()
    state.line = true
    state.fault = ''
    fails = 0
  } catch (e) {
    const p = e instanceof Problem ? e : null
    state.line = !!p && !p.away
    state.fault = p && !p.away && p.status !== 401 ? p.detail : ''
    if (!session.account && p?.status === 401) return // until somebody signs in
    const wait = Math.max(p?.retryAfterS ?? 0, Math.min(MOST_WAIT_S, 2 ** fails++))
    timer = setTimeout(() => void flush(), (wait + wait * Math.random()) * 1000)
  } finally {
    state.busy = false
    await count()
  }
}
// The table goes on without a session: nobody is held up to sign in again. What opens the rows is forgotten with it: fetched anew by who signs in.
whenSignedOut(() => {
  signAway()
  keys = null
  return Promise.resolve(false)
})
window.addEventListener('online', () => setTimeout(() => void flush(), 2000 * Math.random()))
window.addEventListener('offline', () => (state.line = false))

export interface Refused {
  key: string
  /** When it was kept, by the clock of the device. */
  at: number
  /** null: no key opens it. */
  wish: Wish | null
  why: string
}
async function whyOf(r: Row): Promise<string> {
  const key = keys?.get(r.why_kid ?? r.kid)
  return key && r.why ? unseal<string>(key, r.why).catch(() => '') : ''
}
export async function refusals(): Promise<Refused[]> {
  if (!keys) return []
  const all = (await rows()).filter((r) => r.owner === lock?.owner && (r.state === 'refused' || shut(r)))
  return Promise.all(all.map(async (r) => ({ key: r.key, at: r.order, wish: await wishOf(r), why: await whyOf(r) })))
}
