// Nothing typed is lost: what is in a form is kept for this browser tab until it is saved or thrown away. It is kept nowhere else, because it may
// be about a person; closing the tab or signing out forgets it.
import { ref, watch, type Ref } from 'vue'

const PREFIX = 'tocsin.draft.'
let owner = ''
/** Drafts belong to who typed them: another account in the same tab does not see them. */
export function draftsOf(login: string): void {
  owner = login
}

// A cell that is taken when it is left is taken when the page is left.
window.addEventListener('pagehide', () => (document.activeElement as HTMLElement | null)?.blur())

export function keepDraft<T>(name: string, draft: Ref<T>): { restored: boolean; forget: () => void } {
  const key = `${PREFIX}${owner}.${name}`
  const blank = JSON.stringify(draft.value)
  let done = ''
  let restored = false
  try {
    const kept = sessionStorage.getItem(key)
    if (kept) {
      draft.value = JSON.parse(kept) as T
      restored = true
    }
  } catch {
    sessionStorage.removeItem(key)
  }
  watch(
    draft,
    (v) => {
      const text = JSON.stringify(v)
      if (text === blank || text === done) sessionStorage.removeItem(key)
      else sessionStorage.setItem(key, text)
    },
    { deep: true },
  )
  return {
    restored,
    /** What stands there now is done with; what is typed afterwards is kept again. */
    forget() {
      done = JSON.stringify(draft.value)
      sessionStorage.removeItem(key)
    },
  }
}

/** A draft for each of many: what is typed about one is not offered for another. */
export function keepDrafts<T>(name: string, blank: () => T): { of: (id: string | number) => T; forget: (id: string | number) => void } {
  const all = ref({}) as Ref<Record<string, T>>
  keepDraft(name, all)
  return { of: (id) => (all.value[id] ??= blank()) && (all.value[id] as T), forget: (id) => void delete all.value[id] }
}

export function forgetDrafts(): void {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(`${PREFIX}${owner}.`)) sessionStorage.removeItem(key)
}
