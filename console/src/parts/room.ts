// Where words and marks stand on a drawing without standing on each other; in pixels.
import type { ChartLook } from '@/parts/chart-look'

/** A box about its middle. */
export interface Box {
  x: number
  y: number
  w: number
  h: number
}
let pen: CanvasRenderingContext2D | null = null
/** The box of a line of type. */
export function lineOf(text: string, l: ChartLook, size = l.em): { w: number; h: number } {
  pen ??= document.createElement('canvas').getContext('2d')
  if (!pen) return { w: text.length * size, h: size }
  pen.font = `${size}px ${l.font}`
  return { w: pen.measureText(text).width, h: size * 1.2 }
}
/** How far apart two are; less than nothing where they overlap. */
const between = (a: Box, b: Box): number => Math.max(Math.abs(a.x - b.x) - (a.w + b.w) / 2, Math.abs(a.y - b.y) - (a.h + b.h) / 2)
/** Whether a point lies in a ring, by how often a line from it crosses that. */
export function inside([x = 0, y = 0]: number[], ring: [number, number][]): boolean {
  let odd = false
  for (const [i, [ax, ay]] of ring.entries()) {
    const [bx, by] = ring[(i + 1) % ring.length] as [number, number]
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd
  }
  return odd
}
/** The first of the places with so much room round it, or the one with the most. */
export function roomy<P extends Box>(places: P[], taken: Box[], enough: number): P | undefined {
  let best: P | undefined
  let most = -Infinity
  for (const p of places) {
    const room = Math.min(enough, ...taken.map((t) => between(p, t)))
    if (room > most) [best, most] = [p, room]
  }
  return best
}
/** Moves circles that overlap away from each other, no further than they must. */
export function apart<C extends { x: number; y: number; r: number }>(circles: C[], gap: number): C[] {
  const out = circles.map((c) => ({ ...c }))
  for (let turn = 0; turn < 60; turn++) {
    let moved = false
    for (const [i, a] of out.entries())
      for (const b of out.slice(i + 1)) {
        const far = Math.hypot(b.x - a.x, b.y - a.y)
        const lacks = a.r + b.r + gap - far
        if (lacks <= 0.1) continue
        const [dx, dy] = far > 0.1 ? [(b.x - a.x) / far, (b.y - a.y) / far] : [Math.cos(i), Math.sin(i)]
        a.x -= (dx * lacks) / 2
        a.y -= (dy * lacks) / 2
        b.x += (dx * lacks) / 2
        b.y += (dy * lacks) / 2
        moved = true
      }
    if (!moved) break
  }
  return out
}
/** The legend above a plot in as many lines as its words take, and where the plot begins below them. */
export function legendAbove(l: ChartLook, names: string[], icon?: string): { legend: Record<string, unknown>; top: number } {
  const mark = l.em * 1.4
  const air = l.em * 0.4
  let lines = 1
  let at = 0
  for (const name of names) {
    const wide = mark + 5 + air + lineOf(name, l).w
    if (at && at + wide > l.width - 2 * l.em) [lines, at] = [lines + 1, 0]
    at += wide + l.em
  }
  const legend = { top: 0, left: 0, padding: [l.em * 0.2, 0], ...(icon ? { icon } : {}), itemGap: l.em, itemWidth: mark, itemHeight: l.em * 0.9, textStyle: { color: l.ink, fontSize: l.em, padding: [0, 0, 0, air] } }
  return { legend, top: l.em * (2.1 * lines - 0.2) }
}
