// What happened, as it happens: one stream of server-sent events for the whole console. The browser resumes by Last-Event-ID on its own.
import { onUnmounted } from 'vue'

import { reachable } from '@/api/client'

export interface Happened {
  seq: number
  at: string
  register?: string
  record?: number
  verb?: string
  region?: string
}
const hearers = new Set<(e: Happened) => void>()
let source: EventSource | null = null

function listen(): void {
  if (source) return
  source = new EventSource('/api/v1/events')
  const take = (e: MessageEvent<string>): void => {
    reachable.value = true
    try {
      const said = JSON.parse(e.data) as Happened
      hearers.forEach((h) => h(said))
    } catch {
      // a heartbeat
    }
  }
  source.onmessage = take
  for (const name of ['record', 'change', 'create', 'remove', 'duty', 'job']) source.addEventListener(name, take)
  source.onerror = () => {
    if (source?.readyState === EventSource.CLOSED) hang()
  }
}
function hang(): void {
  source?.close()
  source = null
}

/** Hears events while the component lives; `calm` ms pass between calls however much happens, and the last one is never lost. */
export function useEvents(hear: () => void, calm = 1500, wanted: (e: Happened) => boolean = () => true): void {
  let timer: number | undefined
  let last = 0
  const one = (e: Happened): void => {
    if (!wanted(e) || timer !== undefined) return
    timer = window.setTimeout(
      () => {
        timer = undefined
        last = Date.now()
        hear()
      },
      Math.max(0, calm - (Date.now() - last)),
    )
  }
  hearers.add(one)
  listen()
  onUnmounted(() => {
    hearers.delete(one)
    window.clearTimeout(timer)
    if (!hearers.size) hang()
  })
}
