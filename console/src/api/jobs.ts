// Long work: asked for, then told as it goes by the server itself; nothing is asked again and again.
import { ask, get, post } from '@/api/client'

export interface Job<R = unknown> {
  id: string
  kind: string
  step: string
  state: 'new' | 'queued' | 'running' | 'done' | 'failed' | 'cancelled' | 'interrupted'
  progress?: { done: number; total: number; rows: number; seconds: number; left_s?: number }
  result?: Record<string, R>
  error?: { code: string; detail?: string; message?: string }
  problem?: { code: string; detail?: string }
}
export const atWork = (j: Job): boolean => j.state === 'new' || j.state === 'queued' || j.state === 'running'

/** Resolves when the job is at work no more; `told` hears of it meanwhile. */
export function followJob<R>(first: Job<R>, told: (j: Job<R>) => void): Promise<Job<R>> {
  told(first)
  if (!atWork(first)) return Promise.resolve(first)
  return new Promise((resolve, reject) => {
    const source = new EventSource(`/api/v1/jobs/${first.id}/events`)
    const end = (j: Job<R>): void => {
      source.close()
      resolve(j)
    }
    source.addEventListener('job', (e: MessageEvent<string>) => {
      const j = JSON.parse(e.data) as Job<R>
      told(j)
      if (!atWork(j)) end(j)
    })
    // The stream ends with the job, and the browser would come again: once the job itself says how it stands, that is all.
    source.onerror = () => {
      source.close()
      get<Job<R>>(`jobs/${first.id}`).then((j) => {
        told(j)
        if (atWork(j)) followJob(j, told).then(resolve, reject)
        else resolve(j)
      }, reject)
    }
  })
}
export async function startJob<R>(kind: string, step: string, params: Record<string, unknown>): Promise<Job<R>> {
  return post<Job<R>>('jobs', { kind, step, params })
}
export async function cancelJob(id: string): Promise<void> {
  await ask(`jobs/${id}/cancel`, { method: 'POST' })
}
