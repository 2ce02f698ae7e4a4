// Long work: asked for, then told as it goes by the server itself in a stream of events until it is at work no more; dropped with the screen that shows it.
import { onUnmounted, shallowRef, type ShallowRef } from 'vue'

import { ask, get, post, Problem } from '@/api/client'
import type { components } from '@/api/schema'

export type Job = components['schemas']['Job']
export const atWork = (j: Job | null): boolean => j?.state === 'queued' || j?.state === 'running'

/** What a job that failed came to, for <problem-note>. */
export const jobProblem = (j: Job): Problem => new Problem(500, j.error?.code ?? '', j.error?.detail ?? '', '', j.id, 0)

export async function startJob(kind: string, step: string, params: Record<string, unknown>): Promise<string> {
  return (await post<{ id: string }>('jobs', { kind, step, params })).id
}
export async function cancelJob(id: string): Promise<void> {
  await ask(`jobs/${id}/cancel`, { method: 'POST' })
}

/** Follows one job at a time; `ended` is called when its step is over. */
export function useJob(where: 'jobs' | 'imports', ended: (job: Job) => void): { job: ShallowRef<Job | null>; follow: (id: string) => Promise<void>; drop: () => void } {
  const job = shallowRef<Job | null>(null)
  let source: EventSource | null = null
  let of = ''
  const stop = (): void => {
    source?.close()
    source = null
  }
  const take = (now: Job): void => {
    job.value = now
    if (atWork(now)) return
    stop()
    ended(now)
  }
  async function follow(id: string): Promise<void> {
    stop()
    of = id
    const now = await get<Job>(`${where}/${id}`)
    if (of !== id) return
    if (!atWork(now)) return take(now)
    job.value = now
    source = new EventSource(`/api/v1/${where}/${id}/events`)
    source.addEventListener('job', (e) => of === id && take(JSON.parse((e as MessageEvent<string>).data) as Job))
    // Refused: the session is over or the job gone. Asking once more says which.
    source.onerror = () => {
      if (source?.readyState === EventSource.CLOSED) void follow(id).catch(() => stop())
    }
  }
  function drop(): void {
    stop()
    of = ''
    job.value = null
  }
  onUnmounted(drop)
  return { job, follow, drop }
}
