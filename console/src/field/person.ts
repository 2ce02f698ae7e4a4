// What a scan or typing says about who stands at the table.
import type { Person } from './shelf'

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
/** GB 11643: the check digit, and a day of birth that exists. */
export function idCardHolds(n: string): boolean {
  if (!/^\d{17}[\dX]$/.test(n)) return false
  const sum = WEIGHTS.reduce((s, w, i) => s + w * Number(n[i]), 0)
  if ('10X98765432'[sum % 11] !== n[17]) return false
  const [y, m, d] = [Number(n.slice(6, 10)), Number(n.slice(10, 12)), Number(n.slice(12, 14))]
  const on = new Date(Date.UTC(y, m - 1, d))
  return y > 1850 && on.getUTCMonth() === m - 1 && on.getUTCDate() === d
}
/** Full-width digits as half-width ones, no blanks. */
export function plain(text: string): string {
  return text.normalize('NFKC').replace(/\s+/g, '').toUpperCase()
}
export type Read = { person: Person } | { fault: 'empty' | 'check' | 'long' }
export function read(text: string): Read {
  const t = text.trim()
  const id = plain(t)
  if (!id) return { fault: 'empty' }
  if (/^\d{17}[\dX]$/.test(id)) return idCardHolds(id) ? { person: { doc_type: 'id-card', doc_no: id } } : { fault: 'check' }
  if (/^\d{15,17}$/.test(id)) return { fault: 'check' }
  return t.length > 200 ? { fault: 'long' } : { person: { temporary: t } }
}
/** 3101***********123X: enough to see that it is the right person. */
export function masked(p: Person): string {
  const document = p.doc_no ?? p.temporary ?? p.guardian_doc ?? ''
  return document.length < 9 ? document : `${document.slice(0, 4)}${'*'.repeat(document.length - 8)}${document.slice(-4)}`
}
/** The same for the same person, to tell who was here already. */
export function same(p: Person): string {
  return p.doc_no ?? p.temporary ?? `${p.guardian_doc} ${p.name}`
}
/** The next label of the same roll: as long, half of it the same, the rest differing in digits only. */
export function tubeLike(code: string, tube: string): boolean {
  const bare = (s: string): string => s.replace(/\d/g, '0')
  return code !== tube && code.slice(0, Math.ceil(tube.length / 2)) === tube.slice(0, Math.ceil(tube.length / 2)) && bare(code) === bare(tube)
}
/** A bar code of a tube: letters, digits, hyphens. */
export function tubeHolds(code: string): boolean {
  return /^[A-Z0-9][A-Z0-9-]{3,39}$/.test(code)
}
