// Light, dark, or as the machine says.
import { ref } from 'vue'

export type Look = 'light' | 'dark' | 'auto'
const kept = localStorage.getItem('tocsin.look')
export const look = ref<Look>(kept === 'light' || kept === 'dark' ? kept : 'auto')
/** True when the page is dark now; charts follow it. */
export const dark = ref(false)
const machine = matchMedia('(prefers-color-scheme: dark)')

function show(): void {
  dark.value = look.value === 'dark' || (look.value === 'auto' && machine.matches)
  document.documentElement.classList.toggle('dark', dark.value)
}
machine.addEventListener('change', show)
show()

export function wear(to: Look): void {
  look.value = to
  localStorage.setItem('tocsin.look', to)
  show()
}
