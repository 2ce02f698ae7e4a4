// What can be said about a cell before the server is asked: its type, its bounds, check digits. Returns a key under `check`, or nothing. The server has the
// last word in any case; a cell that is good here may still be refused there.
import type { Code, Field } from '@/api/registers'

const plain = (s: string): string => s.normalize('NFKC').trim()

/** GB 11643-1999: 18 characters, ISO 7064 MOD 11-2. */
export function idCard(s: string): boolean {
  if (!/^\d{17}[\dX]$/.test(s)) return false
  const sum = [...s.slice(0, 17)].reduce((a, c, i) => a + Number(c) * (2 ** (17 - i) % 11), 0)
  const born = `${s.slice(6, 10)}-${s.slice(10, 12)}-${s.slice(12, 14)}`
  return '10X98765432'[sum % 11] === s[17] && !Number.isNaN(Date.parse(born)) && new Date(born).toISOString().startsWith(born)
}
/** GB 32100-2015: 18 characters, MOD 31. */
export function unitCode(s: string): boolean {
  const signs = '0123456789ABCDEFGHJKLMNPQRTUWXY'
  if (s.length !== 18 || [...s].some((c) => !signs.includes(c))) return false
  const sum = [...s.slice(0, 17)].reduce((a, c, i) => a + signs.indexOf(c) * (3 ** i % 31), 0)
  return signs[(31 - (sum % 31)) % 31] === s[17]
}
function phone(s: string): boolean {
  return s.split(/[/;,、]/).every((one) => /^(\+|00)?\d{3,4}[\d\s-]{2,14}$|^\d{3,6}$/.test(one.trim()))
}
/** 2022-05-30, 2022/5/30, 2022.5.30, 2022年5月30日, 20220530, each with a time behind it or without: the day, or nothing. */
export function dayIn(s: string): string {
  const m = /^(\d{4})\s*[-/.\u5e74]\s*(\d{1,2})\s*[-/.\u6708]\s*(\d{1,2})\u65e5?(?:$|[\sT])/.exec(s) ?? /^(\d{4})(\d{2})(\d{2})(?:$|[\sT])/.exec(s)
  if (!m) return ''
  const [y, mo, d] = [m[1] as string, String(m[2]).padStart(2, '0'), String(m[3]).padStart(2, '0')]
  const day = `${y}-${mo}-${d}`
  const at = new Date(`${day}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day) ? day : ''
}
const truths = /^(\u662f|\u5426|\u6709|\u65e0|yes|no|y|n|true|false|t|f|1|0|√|×|✓)$/i

export function fault(f: Field, raw: string, codes: Code[] = []): string {
  const s = f.type === 'text' && !f.check ? raw.trim() : plain(raw)
  if (!s) return f.required && !f.filled ? 'required' : ''
  switch (f.type) {
    case 'text':
      if (f.max && [...s].length > f.max) return 'long'
      if (/^\d(\.\d+)?E\+\d+$/i.test(s) && f.check) return 'damaged'
      if (f.check === 'id-card' && !idCard(s.toUpperCase())) return 'id_card'
      if (f.check === 'unit-code' && !unitCode(s.toUpperCase())) return 'unit_code'
      return f.check === 'phone' && !phone(s) ? 'phone' : ''
    case 'code': {
      if (!codes.length) return ''
      const known = (one: string): boolean => codes.some((c) => [c.code, c.zh, c.en].some((t) => t?.toLowerCase() === one.trim().toLowerCase()))
      return (f.multiple ? s.split(/[;,、，；]/) : [s]).every(known) ? '' : 'code_maybe'
    }
    case 'integer':
    case 'decimal': {
      const n = Number(s.replace(/℃$/, ''))
      if (Number.isNaN(n) || (f.type === 'integer' && !Number.isInteger(n))) return 'number'
      const scale = f.type === 'decimal' ? 10 ** (f.scale ?? 2) : 1
      return (f.min !== undefined && n < f.min / scale) || (f.max !== undefined && n > f.max / scale) ? 'range' : ''
    }
    case 'boolean':
      return truths.test(s) ? '' : 'boolean'
    case 'date':
    case 'instant':
      return dayIn(s) ? '' : 'date'
    case 'duration':
      return /^(\d+(\.\d+)?[smhdw]?|PT?.+)$/i.test(s) ? '' : 'duration'
    case 'point':
      return /^-?\d{1,2}(\.\d+)?\s*[,，]\s*-?\d{1,3}(\.\d+)?$/.test(s) ? '' : 'point'
    default:
      return ''
  }
}
