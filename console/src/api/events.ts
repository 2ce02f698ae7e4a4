// What happened, as it happens: one stream of server-sent events for the whole console. The browser resumes by Last-Event-ID on its own.
import { onUnmounted } from 'vue'

import { get, Problem, reachable } from '@/api/client'

export interface Happened {
  seq: number
  at: string
  register?: string
  id?: number
  version?: number
  import?: number
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
  source.onopen = () => {
    reachable.value = true
    wait = 1000
  }
  // The browser comes again by itself when the line breaks; when the server refuses (the session is over, it is starting) it gives up, and we ask why.
  source.onerror = () => {
    if (source?.readyState !== EventSource.CLOSED) {
      reachable.value = false
      return
    }
    hang()
    retry = window.setTimeout(() => void why(), wait)
    wait = Math.min(60_000, wait * 2)
  }
}
let retry: number | undefined
let wait = 1000
async function why(): Promise<void> {
  try {
    await get('session') // over: waits here until somebody has signed in again
  } catch (e) {
    if (!(e instanceof Problem) || !e.away) return
  }
  if (hearers.size) listen()
}
function hang(): void {
  window.clearTimeout(retry)
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
