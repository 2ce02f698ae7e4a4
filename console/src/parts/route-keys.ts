/** Where a key leads along a route: to the stop before or after, to the first or the last. `order` are the stops that are drawn, by their number. */
export function along(e: KeyboardEvent, order: number[], here: number): number {
  const i = order.indexOf(here)
  const to: Record<string, number | undefined> = {
    ArrowLeft: order[Math.max(0, i - 1)],
    ArrowUp: order[Math.max(0, i - 1)],
    ArrowRight: order[Math.min(order.length - 1, i + 1)],
    ArrowDown: order[Math.min(order.length - 1, i + 1)],
    Home: order[0],
    End: order[order.length - 1],
  }
  if (!(e.key in to)) return here
  e.preventDefault()
  return to[e.key] ?? here
}
