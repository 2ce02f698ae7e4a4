import { ref, watch, type Ref } from 'vue'

/** Once what stands on the screen has been drawn: what it does not need, and what nobody has opened yet. */
export function later(run: () => void, wait_ms = 0): void {
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(run, wait_ms)))
}
/** Whether it was ever opened: from then on what opens stays mounted, can close by itself and give the focus back. */
export function everOpen(open: Ref<boolean>): Ref<boolean> {
  const ever = ref(false)
  watch(open, () => (ever.value = true), { flush: 'sync' })
  return ever
}
