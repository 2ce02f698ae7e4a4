// The one way to the server: JSON in, JSON out, problems (RFC 9457) as exceptions. Nothing in the console calls fetch elsewhere.
import { ref } from 'vue'

import { language } from '@/i18n'

/** What the server refused, in the asker's language. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly pointer: string,
    readonly requestId: string,
    readonly retryAfterS: number,
  ) {
    super(detail)
  }
  /** The server could not be reached, or could not answer now. */
  get away(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504
  }
}

/** False while the server does not answer; the frame shows a band. */
export const reachable = ref(true)

export interface Asked {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  query?: Record<string, string | number | boolean | string[] | null | undefined>
  body?: unknown
  /** ETag of what the change was based on. */
  match?: string
  /** The same key for the same wish, however often it is sent. */
  key?: string
  /** Why sealed fields are opened. */
  purpose?: string
  /** Why something is done: it goes into the journal. */
  reason?: string
  signal?: AbortSignal
}

export interface Answer<T> {
  data: T
  etag: string
  headers: Headers
  status: number
}

let csrf = ''
export function holdCsrf(token: string): void {
  csrf = token
}

let onEnd: () => Promise<boolean> = () => Promise.resolve(false)
/** Called when the server says that nobody is signed in (any more). True when somebody is again: then what was asked is asked once more. */
export function whenSignedOut(run: () => Promise<boolean>): void {
  onEnd = run
}

export function address(path: string, query?: Asked['query']): string {
  const q = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === null || value === undefined || value === '') continue
    for (const one of Array.isArray(value) ? value : [value]) q.append(name, String(one))
  }
  const text = q.toString()
  return (path.startsWith('/') ? path : `/api/v1/${path}`) + (text ? `?${text}` : '')
}

async function problemOf(answer: Response): Promise<Problem> {
  let said: Record<string, unknown> = {}
  try {
    said = (await answer.json()) as Record<string, unknown>
  } catch {
    said = {}
  }
  const text = (name: string): string => (typeof said[name] === 'string' ? (said[name] as string) : '')
  return new Problem(answer.status, text('code'), text('detail') || text('title') || answer.statusText, text('pointer'), text('request_id'), Number(answer.headers.get('Retry-After') ?? 0))
}

export async function ask<T>(path: string, asked: Asked = {}): Promise<Answer<T>> {
  try {
    return await askOnce<T>(path, asked)
  } catch (e) {
    // Signing in itself is refused for its own reasons.
    if (!(e instanceof Problem) || e.status !== 401 || (path.startsWith('session') && (asked.method ?? 'GET') !== 'GET') || !(await onEnd())) throw e
    return askOnce<T>(path, asked)
  }
}

async function askOnce<T>(path: string, asked: Asked): Promise<Answer<T>> {
  const method = asked.method ?? 'GET'
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': language() }
  let body: BodyInit | undefined
  if (asked.body instanceof Blob || asked.body instanceof FormData) body = asked.body
  else if (asked.body !== undefined) {
    headers['Content-Type'] = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    body = JSON.stringify(asked.body)
  }
  if (method !== 'GET' && csrf) headers['Tocsin-CSRF'] = csrf
  if (asked.match) headers['If-Match'] = asked.match
  if (asked.key) headers['Idempotency-Key'] = asked.key
  if (asked.purpose) headers['Tocsin-Purpose'] = encodeURIComponent(asked.purpose)
  if (asked.reason) headers['Tocsin-Reason'] = encodeURIComponent(asked.reason)
  let answer: Response
  try {
    answer = await fetch(address(path, asked.query), { method, headers, body, signal: asked.signal, credentials: 'same-origin' })
  } catch (e) {
    if (asked.signal?.aborted) throw e
    reachable.value = false
    throw new Problem(0, 'away', '', '', '', 0)
  }
  reachable.value = true
  if (!answer.ok) throw await problemOf(answer)
  const json = answer.status !== 204 && (answer.headers.get('Content-Type') ?? '').includes('json')
  return { data: (json ? await answer.json() : undefined) as T, etag: answer.headers.get('ETag') ?? '', headers: answer.headers, status: answer.status }
}

export async function get<T>(path: string, query?: Asked['query'], signal?: AbortSignal): Promise<T> {
  return (await ask<T>(path, { query, signal })).data
}

export async function post<T>(path: string, body?: unknown, key?: string): Promise<T> {
  return (await ask<T>(path, { method: 'POST', body: body ?? {}, key })).data
}

/** A fresh key for one wish. */
export function wish(): string {
  return crypto.randomUUID()
}
