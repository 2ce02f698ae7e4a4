// What an account wants to find again: views of lists, columns. Kept by the server, so that it is there on another machine too.
import { reactive } from 'vue'

import { ask, get } from '@/api/client'
import { session } from '@/session'

const all = reactive<Record<string, unknown>>({})
let of = ''
let loading: Promise<void> | null = null

export async function settingsReady(): Promise<void> {
  const login = session.account?.login ?? ''
  if (of !== login) loading = null
  of = login
  loading ??= get<{ settings: Record<string, unknown> }>('session/settings').then((got) => {
    for (const name of Object.keys(all)) delete all[name]
    Object.assign(all, got.settings)
  })
  loading.catch(() => (loading = null))
  return loading
}
export function setting<T>(name: string, otherwise: T): T {
  return (all[name] as T | undefined) ?? otherwise
}
export async function keepSetting(name: string, value: unknown): Promise<void> {
  await ask('session/settings', { method: 'PATCH', body: { [name]: value } })
  if (value === null) delete all[name]
  else all[name] = value
}
