// A file of the server taken home: asked for like everything else, so that a refusal is told on the page and an ended session is signed in again, where a bare link would have
// saved the refusal as a file; how much has come is told, and it can be stopped.
import { onUnmounted, ref } from 'vue'

import { fileOf } from '@/api/client'
import { useTried } from '@/tried'

export function useTake() {
  const got = ref(0)
  const { busy, problem, tried } = useTried()
  let stop = new AbortController()
  const take = (from: string, otherwise = ''): Promise<void> =>
    tried(async () => {
      stop.abort()
      const { signal } = (stop = new AbortController())
      got.value = 0
      try {
        const { blob, name } = await fileOf(from, { signal }, (n) => (got.value = n))
        const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(blob), download: name || otherwise })
        link.click()
        URL.revokeObjectURL(link.href)
      } catch (e) {
        if (!signal.aborted) throw e
      }
    })
  onUnmounted(() => stop.abort())
  return { busy, got, problem, take, stop: () => stop.abort() }
}
