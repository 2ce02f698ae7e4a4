// What a chart takes from the page, and the palette of all charts: Okabe and Ito (2008), told apart by hatching as well.
import { dark, printing } from '@/style/look'

export interface ChartLook {
  em: number
  /** A hairline: one pixel at a desk, more where type is larger. */
  pen: number
  font: string
  ink: string
  faint: string
  line: string
  paper: string
  accent: string
  bad: string
  note: string
  dark: boolean
  width: number
  height: number
}
export function lookOf(box: HTMLElement): ChartLook {
  const style = getComputedStyle(box)
  const of = (name: string): string => style.getPropertyValue(name).trim()
  const em = Math.max(printing.value ? 7 : 11, parseFloat(style.fontSize) * 0.86)
  return {
    em,
    pen: Math.max(1, em / 12),
    font: style.fontFamily,
    ink: of('--house-ink'),
    faint: of('--house-faint'),
    line: of('--house-line'),
    paper: of('--house-paper'),
    accent: of('--el-color-primary'),
    bad: of('--tone-bad'),
    note: of('--tone-note-ground'),
    dark: dark.value,
    width: box.clientWidth,
    height: box.clientHeight,
  }
}
/** A small chart among figures (small-plots.vue): columns of days, the last one marked; a bar across, of parts of a whole, with a limit; a ring. */
export type Plot = { days: number[] } | { parts: { n: number; as: 'main' | 'rest' | 'late' | 'late_rest' | 'other' }[]; of: number; limit?: number } | { share: number }
export const hue = { confirmed: '#0072b2', asymptomatic: '#e69f00', suspected: '#8a8a8a', good: '#009e73', warn: '#e69f00', bad: '#d55e00', mean: '#d55e00' }
interface Decal {
  symbol: string
  symbolSize: number
  dashArrayX: number[]
  dashArrayY: number[]
  rotation: number
  color: string
}
/** Hatching, so that a print in grey and an eye that sees no colour tell the classes apart. */
export const hatch: Decal = { symbol: 'rect', symbolSize: 1, dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: -Math.PI / 4, color: 'rgba(0,0,0,0.45)' }
/** The other way, and closer; and dots. */
export const hatchBack: Decal = { ...hatch, dashArrayY: [1, 3], rotation: Math.PI / 4 }
export const dots: Decal = { symbol: 'circle', symbolSize: 0.8, dashArrayX: [3, 3], dashArrayY: [3, 2], rotation: 0, color: 'rgba(0,0,0,0.5)' }
/** Light to strong in one hue, even in lightness (after ColorBrewer Blues and its dark twin): order is told by lightness, not by colour. */
export function ramp(dark: boolean): string[] {
  return dark ? ['#22303d', '#2c4a66', '#35699a', '#5a94c8', '#a8d0f0'] : ['#eef2f6', '#c6dbef', '#85b7da', '#3f85bd', '#0b4a86']
}
export const axis = (l: ChartLook) => ({ axisLabel: { fontSize: l.em, color: l.faint, margin: l.em * 0.7 }, axisLine: { lineStyle: { color: l.line, width: l.pen } }, splitLine: { lineStyle: { color: l.line, width: l.pen } }, axisTick: { show: false } })
