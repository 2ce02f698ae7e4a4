// The time a rule gives, in words.
import type { Parameter, Timing } from '@/api/duties'

type Words = (key: string, named?: Record<string, unknown>) => string
export function spanWords(s: number, t: Words): string {
  return s % 86400 === 0 && s >= 172800 ? t('time.days', { n: s / 86400 }) : s % 3600 === 0 ? t('time.hours', { n: s / 3600 }) : t('time.minutes', { n: s / 60 })
}
const clock = (s: number): string => `${String(Math.floor(s / 3600)).padStart(2, '0')}:${String(Math.floor((s % 3600) / 60)).padStart(2, '0')}`
export function ruleTime(w: Timing, t: Words, te: (key: string) => boolean): string {
  const at = w.due_time_s && w.due_time_s < 86400 ? t('policies.by', { at: clock(w.due_time_s) }) : ''
  if (w.within_s === 0) return t('policies.own_time')
  if (w.within_s !== undefined) return t('policies.within', { time: spanWords(w.within_s, t) })
  if (w.days?.length) return t('policies.on_days', { days: w.days.join(', '), n: w.days.length }) + at
  return (te(`policies.timing.${w.kind}`) ? t(`policies.timing.${w.kind}`) : w.kind) + at
}
export function parameterWords(p: Pick<Parameter, 'unit' | 'value'>, t: Words, te: (key: string) => boolean): string {
  if (Array.isArray(p.value)) return t('policies.on_days', { days: p.value.join(', '), n: p.value.length })
  if (p.unit === 'duration') return spanWords(p.value, t)
  if (p.unit === 'time') return clock(p.value)
  if (p.unit === 'yes-no') return t(p.value ? 'policies.unit.yes' : 'policies.unit.no')
  const unit = `policies.unit.${p.unit}`
  return te(unit) ? t(unit, { n: p.value }) : `${p.value} ${p.unit}`
}
