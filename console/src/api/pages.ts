// A list of any length by keyset paging: pages are asked for as they come into sight, and dropped when they are far away, so that memory stays
// bounded over a million rows. Each page remembers the cursor it began with and can be read again.
import { reactive, shallowReactive } from 'vue'

import { get, Problem } from '@/api/client'
import type { Row } from '@/api/registers'

export const PAGE = 500
const KEPT = 8 // pages on either side of what is seen

interface Page {
  cursor: string
  from: number // index of its first row: the server may end a page short
  n: number
  rows: Row[] | null
  asked: boolean
}
interface Got {
  rows?: Row[]
  records?: Row[]
  next?: string
  more?: boolean
}

export interface RowList {
  state: { n: number; done: boolean; busy: boolean; problem: unknown; stamp: number }
  row(i: number): Row | null
  see(first: number, last: number): void
  restart(): void
  replace(row: Row): void
}

export function rowList(path: string, query: () => Record<string, string>): RowList {
  const state = reactive({ n: 0, done: false, busy: false, problem: null as unknown, stamp: 0 })
  let pages: Page[] = shallowReactive([])
  let next = ''
  let wanted = 0 // rows that somebody has looked for
  let stop = new AbortController()

  /** Index of the page that holds row i. */
  function pageAt(i: number): number {
    let low = 0
    let high = pages.length - 1
    while (low < high) {
      const mid = (low + high + 1) >> 1
      if ((pages[mid] as Page).from <= i) low = mid
      else high = mid - 1
    }
    return low
  }

  async function read(cursor: string): Promise<Got> {
    return get<Got>(path, { ...query(), limit: PAGE, cursor }, stop.signal)
  }

  async function more(): Promise<void> {
    if (state.busy || state.done || state.problem) return
    state.busy = true
    const mine = stop
    try {
      const cursor = next
      const got = await read(cursor)
      const rows = got.rows ?? got.records ?? []
      if (rows.length) pages.push({ cursor, from: state.n, n: rows.length, rows, asked: false })
      state.n += rows.length
      next = got.next ?? ''
      state.done = !next
    } catch (e) {
      if (mine.signal.aborted) return
      state.problem = e
    } finally {
      if (mine === stop) state.busy = false
    }
    state.stamp++
    if (!state.done && !state.problem && state.n < wanted + 2 * PAGE) void more()
  }

  async function again(p: Page): Promise<void> {
    if (p.asked) return
    p.asked = true
    try {
      const rows = (await read(p.cursor)).rows ?? []
      p.rows = rows.slice(0, p.n)
      while (p.rows.length < p.n) p.rows.push(rows[rows.length - 1] as Row)
      state.stamp++
    } catch (e) {
      if (!(e instanceof Problem)) return
    } finally {
      p.asked = false
    }
  }

  return {
    state,
    row(i) {
      const p = pages[pageAt(i)]
      return p?.rows?.[i - p.from] ?? null
    },
    see(first, last) {
      wanted = last
      if (last + 2 * PAGE >= state.n) void more()
      const a = pageAt(first)
      const b = pageAt(last)
      for (let i = 0; i < pages.length; i++) {
        const p = pages[i] as Page
        if (i >= a - 1 && i <= b + 1) {
          if (!p.rows) void again(p)
        } else if (p.rows && (i < a - KEPT || i > b + KEPT)) p.rows = null
      }
    },
    restart() {
      stop.abort()
      stop = new AbortController()
      pages = shallowReactive([])
      next = ''
      wanted = 0
      Object.assign(state, { n: 0, done: false, busy: false, problem: null })
      void more()
    },
    replace(row) {
      for (const p of pages) {
        const i = p.rows?.findIndex((r) => r.id === row.id) ?? -1
        if (i >= 0 && p.rows) p.rows[i] = row
      }
      state.stamp++
    },
  }
}
