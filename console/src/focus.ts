// The focus is never lost: when what has it goes away or is switched off (a button while it works, a row that is done with, a screen that is left), it goes to what stood around
// it, and back to the button when that works again. Who clicks beside everything has left on purpose.
const around = '[role=dialog], [role=grid], [role=region], section, aside, form, li, table, main'
let path: Element[] = [] // what has the focus, and all it stands in
let home: Element[] = [] // the same of what had it last in the page itself, for what opens on top of the page
let back: HTMLElement | null = null // switched off while it had the focus
let parked: HTMLElement | null = null
let asked = 0
let left = false // on purpose, by a click beside everything

const able = (e: Element | undefined): boolean => !!e?.isConnected && !(e as HTMLButtonElement).disabled && e.checkVisibility()
const lost = (): boolean => document.activeElement === document.body || document.activeElement === null

/** Gives the focus to something that is not made for it, until it leaves. */
export function focusOn(e: HTMLElement): void {
  if (!e.hasAttribute('tabindex')) {
    e.tabIndex = -1
    e.addEventListener('blur', () => e.removeAttribute('tabindex'), { once: true })
  }
  e.focus({ preventScroll: true })
}
/** What opens has the focus itself, so that its title is read; then what is to be typed first in it. */
function first(box: HTMLElement): void {
  if (document.activeElement !== box) return
  const field = [...box.querySelectorAll<HTMLElement>(':is(.el-dialog__body, .el-drawer__body) :is(input, textarea)')].find((e) => able(e) && e.tabIndex >= 0 && !e.closest('.el-date-editor') && !(e as HTMLInputElement).readOnly)
  field?.focus()
}
function look(): void {
  asked = 0
  if (back && able(back) && (lost() || document.activeElement === parked)) {
    back.focus({ preventScroll: true })
    back = null
    return
  }
  const had = path[0]
  if (!had || !lost() || able(had)) return
  back = had.isConnected && (had as HTMLButtonElement).disabled ? (had as HTMLElement) : null
  const spot = [...path, ...home].find((e) => e !== had && e.matches(around) && able(e)) ?? document.getElementById('main')
  if (!spot) return
  parked = spot as HTMLElement
  focusOn(parked)
}
const soon = (): void => {
  asked ||= requestAnimationFrame(look)
}

export function keepFocus(): void {
  document.addEventListener('focusin', (e) => {
    const now: Element[] = []
    for (let at = e.target as Element | null; at && at !== document.body; at = at.parentElement) now.push(at)
    path = now
    left = false
    if (now.at(-1)?.id === 'app') home = now
    if (e.target !== parked) back = null
    if (now[0]?.matches('.el-dialog, .el-drawer')) requestAnimationFrame(() => first(now[0] as HTMLElement))
  })
  // A list that is closed keeps Esc to itself: what it stands in hears it all the same.
  document.addEventListener(
    'keydown',
    (e) => {
      const on = e.target as HTMLElement
      if (e.key === 'Escape' && e.isTrusted && on.matches('input[aria-expanded=false]')) on.closest('.el-dialog, .el-drawer')?.dispatchEvent(new KeyboardEvent('keydown', { key: e.key, code: e.code, bubbles: true }))
    },
    true,
  )
  // What is hidden with the focus in it tells nobody; it was closed by a key.
  for (const when of ['focusout', 'keyup'])
    document.addEventListener(when, () => {
      soon()
      window.setTimeout(look, 350) // what closes is in sight for a moment yet
    })
  document.addEventListener('pointerdown', () => window.setTimeout(() => (left = lost())), true)
  new MutationObserver((changes) => {
    // A list that came in another order has moved what had it, which takes the focus from it; so does what was switched off for so short a time that nobody looked.
    const had = path[0] as HTMLElement | undefined
    if (had && !left && lost() && able(had) && changes.some((c) => c.target === had || [...c.removedNodes].some((n) => n.contains(had)))) return had.focus({ preventScroll: true })
    if (back || (path.length && lost())) soon()
  }).observe(document.body, { subtree: true, childList: true, attributeFilter: ['disabled'] })
}
