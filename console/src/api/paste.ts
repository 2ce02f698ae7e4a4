// What comes out of a spreadsheet's clipboard: rows of cells. Excel and WPS give a table as HTML and as text with tabs; cells with line breaks or tabs in them are
// quoted in the text. The text is taken when it is there: the HTML has formats in it, but no other values.
import type { Register } from '@/api/registers'

export function cellsOfText(text: string): string[][] {
  const rows: string[][] = [[]]
  let cell = ''
  let quoted = false
  const put = (): void => {
    ;(rows[rows.length - 1] as string[]).push(cell)
    cell = ''
  }
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string
    if (quoted) {
      if (c !== '"') cell += c
      else if (text[i + 1] === '"') cell += text[++i]
      else quoted = false
    } else if (c === '"' && !cell) quoted = true
    else if (c === '\t') put()
    else if (c === '\n') {
      put()
      rows.push([])
    } else if (c !== '\r') cell += c
  }
  put()
  return rows.filter((r) => r.some((one) => one.trim()))
}
export function cellsOfHtml(html: string): string[][] {
  const table = new DOMParser().parseFromString(html, 'text/html').querySelector('table')
  if (!table) return []
  return [...table.rows].map((r) => [...r.cells].flatMap((c) => [c.innerText ?? c.textContent ?? '', ...Array<string>(Math.max(0, c.colSpan - 1)).fill('')].map((s) => s.trim()))).filter((r) => r.some((one) => one))
}
export function cellsOf(data: DataTransfer | null): string[][] {
  const text = data?.getData('text/plain') ?? ''
  const rows = cellsOfText(text)
  if (rows.some((r) => r.length > 1)) return rows
  const html = cellsOfHtml(data?.getData('text/html') ?? '')
  return html.length ? html : rows
}

const bare = (s: string): string => s.normalize('NFKC').toLowerCase().replace(/[\s_\-*:：()（）]/g, '')

/** Which field each header means, by name, title or synonym; '' for none. `region` and `state` are the record's own. */
export function fieldsOfHeaders(reg: Register, headers: string[], own: Record<string, string[]>): string[] {
  const means = new Map<string, string>()
  for (const [name, titles] of Object.entries(own)) for (const one of titles) means.set(bare(one), name)
  for (const f of reg.fields) for (const one of [f.name, f.zh, f.en, ...(f.synonyms ?? [])]) if (one) means.set(bare(one), f.name)
  const taken = new Set<string>()
  return headers.map((h) => {
    const name = means.get(bare(h)) ?? ''
    if (!name || taken.has(name)) return ''
    taken.add(name)
    return name
  })
}
