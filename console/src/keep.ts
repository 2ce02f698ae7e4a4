// Nothing typed is lost: what is in a form is kept for this browser tab until it is saved or thrown away. It is kept nowhere else, because it may
// be about a person; closing the tab or signing out forgets it.
import { watch, type Ref } from 'vue'

const PREFIX = 'tocsin.draft.'
let owner = ''
/** Drafts belong to who typed them: another account in the same tab does not see them. */
export function draftsOf(login: string): void {
  owner = login
}

export function keepDraft<T>(name: string, draft: Ref<T>): { restored: boolean; forget: () => void } {
  const key = `${PREFIX}${owner}.${name}`
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
  const stop = watch(draft, (v) => sessionStorage.setItem(key, JSON.stringify(v)), { deep: true })
  return {
    restored,
    forget() {
      stop()
      sessionStorage.removeItem(key)
    },
  }
}

export function forgetDrafts(): void {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(`${PREFIX}${owner}.`)) sessionStorage.removeItem(key)
}
