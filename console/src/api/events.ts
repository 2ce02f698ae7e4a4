// What happened, as it happens: one stream of server-sent events for the whole console. The browser resumes by Last-Event-ID on its own.
import { onUnmounted, ref } from 'vue'

import { get, Problem, reachable } from '@/api/client'

export interface DutyNote {
  what: 'raised' | 'paid' | 'cancelled' | 'lapsed' | 'escalated'
  rule: string
  record: number
  late?: boolean
  level?: number
  due_at?: string
}
export interface Happened {
  seq: number
  at: string
  register?: string
  id?: number
  version?: number
  import?: number
  verb?: string
  region?: string
  duties?: DutyNote[]
}
/** True while the stream is open: what is on the screen is as it is now. */
export const live = ref(false)
const hearers = new Set<(e: Happened) => void>()
let source: EventSource | null = null

function listen(): void {
  if (source) return
  source = new EventSource('/api/v1/events?duties=true')
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
  source.onopen = () => {
    reachable.value = true
    live.value = true
    wait = 1000
  }
  // The browser comes again by itself when the line breaks; when the server refuses (the session is over, it is starting) it gives up, and we ask why.
  source.onerror = () => {
    live.value = false
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
  live.value = false
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

/** Every event, one by one, while the component lives. */
export function useFeed(each: (e: Happened) => void): void {
  hearers.add(each)
  listen()
  onUnmounted(() => {
    hearers.delete(each)
    if (!hearers.size) hang()
  })
}
