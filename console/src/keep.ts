// Nothing typed is lost: what is in a form is kept for this browser tab until it is saved or thrown away. It is kept nowhere else, because it may
// be about a person; closing the tab or signing out forgets it.
import { watch, type Ref } from 'vue'

const PREFIX = 'tocsin.draft.'

export function keepDraft<T>(name: string, draft: Ref<T>): { restored: boolean; forget: () => void } {
  const key = PREFIX + name
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
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key)
}
