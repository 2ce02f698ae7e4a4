// Who is signed in, and what may be done. One object for the whole console; screens read, only this file writes.
import { reactive, readonly } from 'vue'

import { ask, holdCsrf, Problem, whenSignedOut } from '@/api/client'

export interface Grant {
  role: string
  region: string
}
export interface Account {
  login: string
  title: string
  grants: Grant[]
  csrf?: string
  must_change_password?: boolean
}

const state = reactive({ known: false, account: null as Account | null })
export const session = readonly(state)

function take(account: Account | null): void {
  state.account = account
  state.known = true
  holdCsrf(account?.csrf ?? '')
}
whenSignedOut(() => take(null))

/** Asks the server once whether the cookie still holds. */
export async function sessionLoad(): Promise<void> {
  if (state.known) return
  try {
    take((await ask<Account>('session')).data)
  } catch (e) {
    if (e instanceof Problem && e.status === 401) take(null)
    else throw e
  }
}

export interface Step {
  /** A second factor is asked before the session begins. */
  second_factor?: boolean
}
export async function signIn(login: string, password: string, code?: string): Promise<Step> {
  const answer = await ask<Account & Step>('session', { method: 'POST', body: { login, password, ...(code ? { code } : {}) } })
  if (!answer.data.second_factor) take(answer.data)
  return answer.data
}

export async function signOut(): Promise<void> {
  await ask('session', { method: 'DELETE' })
  take(null)
}

export function hasRole(...roles: string[]): boolean {
  return !!state.account?.grants.some((g) => g.role === 'root' || roles.includes(g.role))
}
