// A wide table on a phone: each row a card (`.cards` in style/parts.css), in which a cell says the head of its column. Set on the table: <table v-cards class="table cards">.
import type { Directive } from 'vue'

function name(table: HTMLTableElement): void {
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])].map((th) => th.textContent?.trim() ?? '')
  for (const row of [...table.tBodies].flatMap((body) => [...body.rows])) {
    if (row.cells.length === heads.length) for (const [i, cell] of [...row.cells].entries()) cell.dataset.head = heads[i] ?? ''
  }
}
export const vCards: Directive<HTMLTableElement> = { mounted: name, updated: name }
