/** Once what stands on the screen has been drawn: what it does not need, and what nobody has opened yet. */
export function later(run: () => void, wait_ms = 0): void {
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(run, wait_ms)))
}
