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
  /** Hears how much of the body has gone up, 0 to 1. */
  sent?: (share: number) => void
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

const signing = /^session(\/(factor|password|enrolment))?$/
/** Asked once more when the session was over and somebody has signed in again. */
async function anyway<R>(path: string, asked: Asked, once: (path: string, asked: Asked) => Promise<R>): Promise<R> {
  try {
    return await once(path, asked)
  } catch (e) {
    // Signing in itself is refused for its own reasons.
    if (!(e instanceof Problem) || e.status !== 401 || (signing.test(path) && (asked.method ?? 'GET') !== 'GET') || !(await onEnd())) throw e
    return once(path, asked)
  }
}
export async function ask<T>(path: string, asked: Asked = {}): Promise<Answer<T>> {
  return anyway(path, asked, async () => {
    const answer = await reach(path, asked)
    const json = answer.status !== 204 && (answer.headers.get('Content-Type') ?? '').includes('json')
    return { data: (json ? await answer.json() : undefined) as T, etag: answer.headers.get('ETag') ?? '', headers: answer.headers, status: answer.status }
  })
}
/** A file of the server and the name it gives it; `got` hears how many bytes have come. */
export async function fileOf(path: string, asked: Asked, got: (bytes: number) => void): Promise<{ blob: Blob; name: string }> {
  const answer = await anyway(path, asked, reach)
  let n = 0
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(part, out) {
      got((n += part.byteLength))
      out.enqueue(part)
    },
  })
  const blob = await new Response(answer.body?.pipeThrough(counted), { headers: { 'Content-Type': answer.headers.get('Content-Type') ?? '' } }).blob().catch((e: unknown) => {
    if (asked.signal?.aborted) throw e
    throw away()
  })
  return { blob, name: /filename="?([^";]+)/.exec(answer.headers.get('Content-Disposition') ?? '')?.[1] ?? '' }
}

function away(): Problem {
  reachable.value = false
  return new Problem(0, 'away', '', '', '', 0)
}
/** One request: what the server refuses, and that it cannot be reached, is a Problem. */
async function reach(path: string, asked: Asked): Promise<Response> {
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
    const to = address(path, asked.query)
    answer = asked.sent ? await upload(to, method, headers, body, asked) : await fetch(to, { method, headers, body, signal: asked.signal, credentials: 'same-origin' })
  } catch (e) {
    if (asked.signal?.aborted) throw e
    throw away()
  }
  reachable.value = true
  if (!answer.ok) throw await problemOf(answer)
  return answer
}
/** Whether the server answers at all, whatever it says. */
export async function answers(): Promise<boolean> {
  await reach('/healthz', {}).catch(() => {})
  return reachable.value
}
/** fetch does not tell how much of a file has gone up; the older way does. */
function upload(to: string, method: string, headers: Record<string, string>, body: BodyInit | undefined, asked: Asked): Promise<Response> {
  return new Promise((done, failed) => {
    const x = new XMLHttpRequest()
    x.open(method, to)
    for (const [name, value] of Object.entries(headers)) x.setRequestHeader(name, value)
    x.responseType = 'blob'
    x.upload.onprogress = (e) => asked.sent?.(e.total ? e.loaded / e.total : 0)
    x.onload = () => done(new Response(x.status === 204 ? null : (x.response as Blob), { status: x.status, headers: x.getAllResponseHeaders().trim().split(/\r?\n/).map((line) => line.split(/:\s*(.*)/, 2) as [string, string]) }))
    x.onerror = x.onabort = () => failed(new TypeError(to))
    asked.signal?.addEventListener('abort', () => x.abort())
    x.send(body as XMLHttpRequestBodyInit)
  })
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
