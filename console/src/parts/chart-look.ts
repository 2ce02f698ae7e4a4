// What a chart takes from the page, and the palette of all charts: Okabe and Ito (2008), told apart by hatching as well.
export interface ChartLook {
  em: number
  ink: string
  faint: string
  line: string
  paper: string
  dark: boolean
  width: number
}
export const hue = { confirmed: '#0072b2', asymptomatic: '#e69f00', suspected: '#8a8a8a', good: '#009e73', warn: '#e69f00', bad: '#d55e00', mean: '#d55e00' }
/** Hatching, so that a print in grey and an eye that sees no colour tell the classes apart. */
export const hatch = { symbol: 'rect', symbolSize: 1, dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: -Math.PI / 4, color: 'rgba(0,0,0,0.45)' }
/** Light to strong in one hue, even in lightness (after ColorBrewer Blues and its dark twin): order is told by lightness, not by colour. */
export function ramp(dark: boolean): string[] {
  return dark ? ['#22303d', '#2c4a66', '#35699a', '#5a94c8', '#a8d0f0'] : ['#eef2f6', '#c6dbef', '#85b7da', '#3f85bd', '#0b4a86']
}
export const axis = (l: ChartLook) => ({ axisLabel: { fontSize: l.em, color: l.faint }, axisLine: { lineStyle: { color: l.line } }, splitLine: { lineStyle: { color: l.line } }, axisTick: { show: false } })
