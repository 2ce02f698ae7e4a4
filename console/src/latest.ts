// Answers come in any order. What was asked before something else was chosen is dropped when it comes: nobody may look at one and act on another.
import { onUnmounted, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'

/** `const mine = turn()` before asking. `mine()` is no longer true when something else is asked `of`, when a later question has been answered, or when the screen was left. */
export function useTurns(of: () => unknown): () => () => boolean {
  let last = 0
  let taken = 0
  onUnmounted(() => (taken = Infinity))
  return () => {
    const turn = ++last
    const about = JSON.stringify(of())
    return () => {
      if (turn < taken || about !== JSON.stringify(of())) return false
      taken = turn
      return true
    }
  }
}

/** An answer that follows what it depends on: asked at once, and again half a second after the last change. */
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
