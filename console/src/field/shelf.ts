// What the device keeps until it is sent. Each row is sealed to a key whose other half lies with the server, among the settings of who samples: the device alone can
// add and count, but not read. Whoever steals it reads nothing once the account's sessions are ended. A closed browser loses nothing.
/** Who it is, as POST /sampling/swabs takes it: a document; else a temporary number or the content of a code; else a child by its guardian. */
export interface Person {
  doc_type?: string
  doc_no?: string
  temporary?: string
  name?: string
  phone?: string
  guardian?: string
  guardian_doc?: string
}
export interface Swab extends Person {
  table: number
  round: number
  tube: string
  kind: string
  size: number
  swabbed_at: string
  again?: boolean
}
/** A box that was sealed: what lies in it is its manifest. */
export interface Box {
  box: string
  site: number
  tubes: string[]
  at: string
}
/** A swab, the bar code of a tube that was closed before it was full, or a sealed box. */
export type Wish = { swab: Swab } | { close: string; table?: number; at?: string } | { pack: Box }
interface Sealed {
  from: ArrayBuffer
  iv: Uint8Array<ArrayBuffer>
  text: ArrayBuffer
}
export interface Row {
  key: string
  order: number
  owner: string
  kid: string
  state: 'waiting' | 'refused'
  box: Sealed
  why?: Sealed
  /** Of the lock that the reason is sealed to: of who was told it. */
  why_kid?: string
}
export interface Lock {
  kid: string
  owner: string
  open: JsonWebKey
}

const BOOK = 'tocsin-field'
const CURVE = { name: 'ECDH', namedCurve: 'P-256' }
let book: Promise<IDBDatabase> | null = null

function done<T>(r: IDBRequest<T>): Promise<T> {
  return new Promise((go, stop) => {
    r.onsuccess = () => go(r.result)
    r.onerror = () => stop(r.error ?? new Error('IndexedDB'))
  })
}
function opened(): Promise<IDBDatabase> {
  book ??= new Promise((go, stop) => {
    const r = indexedDB.open(BOOK, 1)
    r.onupgradeneeded = () => {
      r.result.createObjectStore('rows', { keyPath: 'key' })
      r.result.createObjectStore('desk')
    }
    r.onsuccess = () => go(r.result)
    r.onerror = () => stop(r.error ?? new Error('IndexedDB'))
  })
  return book
}
/** Written through to the disk before it counts as kept. */
async function change(store: 'rows' | 'desk', run: (s: IDBObjectStore) => void): Promise<void> {
  const tx = (await opened()).transaction(store, 'readwrite', { durability: 'strict' })
  return new Promise((go, stop) => {
    tx.oncomplete = () => go()
    tx.onabort = tx.onerror = () => stop(tx.error ?? new Error('IndexedDB'))
    run(tx.objectStore(store))
  })
}

// ---- plain things of the table: no person among them
export async function kept<T>(name: string): Promise<T | undefined> {
  return done((await opened()).transaction('desk').objectStore('desk').get(name) as IDBRequest<T | undefined>)
}
export function keep(name: string, value: unknown): Promise<void> {
  return change('desk', (s) => (value === undefined ? s.delete(name) : s.put(JSON.parse(JSON.stringify(value)), name)))
}

// ---- sealing
async function secret(own: CryptoKey, other: CryptoKey, salt: ArrayBuffer): Promise<CryptoKey> {
  const shared = await crypto.subtle.importKey('raw', await crypto.subtle.deriveBits({ name: 'ECDH', public: other }, own, 256), 'HKDF', false, ['deriveKey'])
  return crypto.subtle.deriveKey({ name: 'HKDF', hash: 'SHA-256', salt, info: new TextEncoder().encode(BOOK) }, shared, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
}
async function seal(lock: Lock, what: unknown): Promise<Sealed> {
  const other = await crypto.subtle.importKey('jwk', lock.open, CURVE, false, [])
  const once = await crypto.subtle.generateKey(CURVE, false, ['deriveBits'])
  const from = await crypto.subtle.exportKey('raw', once.publicKey)
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const key = await secret(once.privateKey, other, from)
  return { from, iv, text: await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, new TextEncoder().encode(JSON.stringify(what))) }
}
export async function unseal<T>(own: CryptoKey, box: Sealed): Promise<T> {
  const other = await crypto.subtle.importKey('raw', box.from, CURVE, false, [])
  const key = await secret(own, other, box.from)
  return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: box.iv }, key, box.text))) as T
}
/** A fresh lock; its key goes to the server before anything is sealed with it. */
export async function newLock(owner: string): Promise<{ lock: Lock; key: JsonWebKey }> {
  const pair = await crypto.subtle.generateKey(CURVE, true, ['deriveBits'])
  return { lock: { kid: crypto.randomUUID(), owner, open: await crypto.subtle.exportKey('jwk', pair.publicKey) }, key: await crypto.subtle.exportKey('jwk', pair.privateKey) }
}
export function keyOf(jwk: JsonWebKey): Promise<CryptoKey> {
  return crypto.subtle.importKey('jwk', jwk, CURVE, false, ['deriveBits'])
}

// ---- rows
let last = 0
export async function add(lock: Lock, wish: Wish): Promise<string> {
  // After what waits, though the clock was set back since: a tube is closed after its swabs.
  if (!last) last = Math.max(last, (await rows()).at(-1)?.order ?? 0)
  last = Math.max(last + 1, Date.now())
  const row: Row = { key: crypto.randomUUID(), order: last, owner: lock.owner, kid: lock.kid, state: 'waiting', box: await seal(lock, wish) }
  await change('rows', (s) => s.add(row))
  return row.key
}
/** All of them, oldest first. */
export async function rows(): Promise<Row[]> {
  const all = (await done((await opened()).transaction('rows').objectStore('rows').getAll())) as Row[]
  return all.sort((a, b) => a.order - b.order)
}
export function remove(keys: string[]): Promise<void> {
  return change('rows', (s) => keys.forEach((k) => s.delete(k)))
}
export async function refuse(lock: Lock, row: Row, why: string): Promise<void> {
  const told: Row = { ...row, state: 'refused', why: await seal(lock, why), why_kid: lock.kid }
  await change('rows', (s) => s.put(told))
}
