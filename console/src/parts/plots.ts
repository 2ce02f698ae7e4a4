// What small-plots.vue draws, apart from it because it brings ECharts along: one chart over many places, each with a grid of its own; bars that stand below each other share one.
import { BarChart, CustomChart, GaugeChart } from 'echarts/charts'
import { GridComponent } from 'echarts/components'
import { init, use, type EChartsType } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'

import { hatch, hatchBack, type ChartLook, type Plot } from '@/parts/chart-look'

use([BarChart, CustomChart, GaugeChart, GridComponent, CanvasRenderer])

export interface Place {
  left: number
  top: number
  width: number
  height: number
  plot: Plot
}
type Option = Record<string, unknown>
type Coord = (value: number[]) => number[]

function option(places: Place[], l: ChartLook): Option {
  const grid: Option[] = []
  const xAxis: Option[] = []
  const yAxis: Option[] = []
  const series: Option[] = []
  const plane = (box: Option, x: Option, y: Option): Option => {
    const at = { xAxisIndex: xAxis.push({ show: false, gridIndex: grid.length, ...x }) - 1, yAxisIndex: yAxis.push({ show: false, gridIndex: grid.length, ...y }) - 1, silent: true, animation: false }
    grid.push({ outerBoundsMode: 'none', ...box })
    return at
  }
  const styles = {
    main: { color: l.accent },
    rest: { color: l.accent, opacity: 0.35 },
    late: { color: l.bad, decal: hatch },
    late_rest: { color: l.bad, opacity: 0.45, decal: hatch },
    other: { color: l.dark ? '#5a6876' : '#b9c3cc', decal: hatchBack },
  }
  const columns = new Map<string, Place[]>()
  for (const place of places) {
    const { left, top, width, height, plot } = place
    if ('days' in plot) {
      const last = plot.days.length - 1
      const at = plane({ left, top, width, height }, { type: 'category', data: plot.days.map((_, i) => i) }, { type: 'value', min: 0, max: Math.max(1, ...plot.days) })
      series.push({ type: 'bar', ...at, barCategoryGap: '27%', barMinHeight: 1, itemStyle: { color: l.accent }, data: plot.days.map((value, i) => ({ value, itemStyle: { opacity: i === last ? 1 : 0.4 } })) })
    } else if ('share' in plot) {
      const wide = Math.round(Math.min(width, height) * 0.11)
      const full = { min: 0, max: 1, startAngle: 90, endAngle: -270, center: [left + width / 2, top + height / 2], radius: Math.min(width, height) / 2 - 1 }
      series.push({ type: 'gauge', ...full, silent: true, animation: false, pointer: { show: false }, axisTick: { show: false }, splitLine: { show: false }, axisLabel: { show: false }, detail: { show: false }, axisLine: { lineStyle: { width: wide, color: [[1, l.line]] } }, progress: { show: true, width: wide, itemStyle: { color: l.accent } }, data: [plot.share] })
    } else {
      const key = `${Math.round(left)} ${Math.round(width)}`
      columns.set(key, [...(columns.get(key) ?? []), place])
    }
  }
  for (const list of columns.values()) {
    const { left, width } = list[0] as Place
    const at = plane({ left, top: 0, width, height: l.height }, { type: 'value', min: 0, max: 1 }, { type: 'value', inverse: true, min: 0, max: l.height })
    const bars = list.flatMap(({ top, height, plot }) => {
      let from = 0
      return 'parts' in plot ? plot.parts.map(({ n, as }) => ({ as, value: [from, (from += Math.max(0, n) / plot.of), top, height] })) : []
    })
    for (const as of Object.keys(styles) as (keyof typeof styles)[]) {
      const data = bars.filter((b) => b.as === as && (b.value[1] ?? 0) > (b.value[0] ?? 0)).map((b) => b.value)
      if (!data.length) continue
      const draw = (_: unknown, api: { value: (i: number) => number; coord: Coord }): Option => {
        const [x = 0, y = 0] = api.coord([api.value(0), api.value(2)])
        const [end = 0] = api.coord([Math.min(1, api.value(1)), 0])
        return { type: 'rect', shape: { x, y, width: Math.max(1, end - x), height: api.value(3), r: 2 }, style: { fill: styles[as].color, ...styles[as] } }
      }
      series.push({ type: 'custom', ...at, itemStyle: styles[as], data, renderItem: draw })
    }
    const limits = list.flatMap(({ top, height, plot }) => ('parts' in plot && plot.limit ? [[plot.limit / plot.of, top, height]] : []))
    const stroke = (_: unknown, api: { value: (i: number) => number; coord: Coord }): Option => {
      const [x = 0, y = 0] = api.coord([api.value(0), api.value(1)])
      return { type: 'rect', shape: { x: x - 1, y: y - 3, width: 2.4, height: api.value(2) + 6 }, style: { fill: l.ink } }
    }
    if (limits.length) series.push({ type: 'custom', ...at, itemStyle: { color: l.ink, borderType: 'solid' }, data: limits, renderItem: stroke })
  }
  return { backgroundColor: 'transparent', animation: false, grid, xAxis, yAxis, series }
}

/** Draws into the box what stands in the places, measured from its corner; hands back the chart, to be handed in again. */
export function drawPlots(box: HTMLElement, chart: EChartsType | null, places: Place[], look: ChartLook): EChartsType {
  // a long list is not drawn finer than the screen can hold
  const made = chart ?? init(box, undefined, { devicePixelRatio: Math.min(Math.max(2, window.devicePixelRatio), Math.max(1, 16000 / look.height)) })
  if (chart) made.resize()
  made.setOption(option(places, look), true)
  return made
}
