// An answer that follows what it depends on: asked at once, and again half a second after the last change; only the last question counts.
import { onUnmounted, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'

export function useLatest<T>(of: () => unknown, ask: (signal: AbortSignal) => Promise<T>): { told: ShallowRef<T | null>; problem: Ref<unknown>; busy: Ref<boolean>; again: () => Promise<void> } {
  const told = shallowRef<T | null>(null)
  const problem = ref<unknown>(null)
  const busy = ref(false)
  let stop = new AbortController()
  let timer: number | undefined
  async function again(): Promise<void> {
    stop.abort()
    const mine = (stop = new AbortController())
    busy.value = true
    try {
      told.value = await ask(mine.signal)
      problem.value = null
    } catch (e) {
      if (!mine.signal.aborted) problem.value = e
    } finally {
      if (mine === stop) busy.value = false
    }
  }
  watch(of, () => {
    window.clearTimeout(timer)
    timer = window.setTimeout(() => void again(), 500)
  })
  void again()
  onUnmounted(() => {
    window.clearTimeout(timer)
    stop.abort()
  })
  return { told, problem, busy, again }
}
