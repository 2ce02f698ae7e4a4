// Light, dark, or as the machine says, which on a wall screen is dark; on paper always light.
import { ref } from 'vue'

export type Look = 'light' | 'dark' | 'auto'
const kept = localStorage.getItem('tocsin.look')
export const look = ref<Look>(kept === 'light' || kept === 'dark' ? kept : 'auto')
/** True when the page is dark now; charts follow it. */
export const dark = ref(false)
/** True while the page is being put on paper. */
export const printing = ref(false)
const machine = matchMedia('(prefers-color-scheme: dark)')
const walls = new Set<object>() // who goes from wall to wall: the next one is there before the last one goes

function show(): void {
  dark.value = !printing.value && (look.value === 'dark' || (look.value === 'auto' && (walls.size > 0 || machine.matches)))
  document.documentElement.classList.toggle('dark', dark.value)
  document.documentElement.classList.toggle('printing', printing.value)
  document.documentElement.classList.toggle('on-wall', walls.size > 0)
}
machine.addEventListener('change', show)
show()

export function wear(to: Look): void {
  look.value = to
  localStorage.setItem('tocsin.look', to)
  show()
}
export function wearWall(who: object, on: boolean): void {
  if (on) walls.add(who)
  else walls.delete(who)
  show()
}

const redraws = new Set<() => void>()
/** Canvases do not follow a style sheet: they are drawn again for the paper, at once, because the browser waits for nobody. */
export function whenPrinting(redraw: () => void): () => void {
  redraws.add(redraw)
  return () => redraws.delete(redraw)
}
function paper(on: boolean): void {
  if (printing.value === on) return
  printing.value = on
  show()
  redraws.forEach((run) => run())
}
window.addEventListener('beforeprint', () => paper(true))
window.addEventListener('afterprint', () => paper(false))
