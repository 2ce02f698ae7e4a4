// Who is signed in, and what may be done. One object for the whole console; screens read, only this file writes.
import { reactive, readonly } from 'vue'

import { ask, holdCsrf, Problem, whenSignedOut } from '@/api/client'
import type { Told } from '@/api/told'
import { draftsOf, forgetDrafts } from '@/keep'

export interface Grant {
  role: string
  region: string
}
/** What is still to be done before the account may act. */
export type SignState = Told['Signed']['state']
export interface May {
  read: boolean
  write: boolean
  open: boolean
  why_not_read?: string
  why_not_write?: string
  why_not_open?: string
}
export interface Account {
  login: string
  title?: string
  state: SignState
  factor?: boolean
  csrf?: string
  expires_at?: string
  /** Whose people one is of: what it owes stands first in my work. */
  organisation?: { id: number; title: string }
  grants: Grant[]
  may: Record<string, May>
}

const state = reactive({
  known: false,
  account: null as Account | null,
  /** Somebody was signed in and is no longer: the screen stays as it is, and parts/sign-again.vue asks for the password. */
  ended: false,
})
let again: ((back: boolean) => void)[] = []
export const session = readonly(state)

function take(account: Account | null): void {
  state.account = account
  state.known = true
  state.ended = false
  holdCsrf(account?.csrf ?? '')
  draftsOf(account?.login ?? '')
  again.splice(0).forEach((go) => go(account !== null))
}
whenSignedOut(() => {
  if (!state.account) {
    take(null)
    return Promise.resolve(false)
  }
  state.ended = true
  return new Promise((back) => again.push(back))
})

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

/** Every step of signing in ends here: with more to do, or with the session of who one is now. */
async function step(signed: Told['Signed']): Promise<SignState> {
  holdCsrf(signed.csrf)
  if (signed.state === 'ready') take((await ask<Account>('session')).data)
  return signed.state
}
export async function signIn(login: string, password: string): Promise<SignState> {
  return step((await ask<Told['Signed']>('session', { method: 'POST', body: { login, password } })).data)
}
/** Not the same person: what waits is refused, and the sign-in screen is next. */
export function signAway(): void {
  take(null)
}
export async function giveFactor(code: string): Promise<SignState> {
  return step((await ask<Told['Signed']>('session/factor', { method: 'POST', body: { code } })).data)
}
export async function changePassword(old: string, fresh: string): Promise<SignState> {
  return step((await ask<Told['Signed']>('session/password', { method: 'POST', body: { old, new: fresh } })).data)
}
export async function enrol(): Promise<Told['Enrolment']> {
  return (await ask<Told['Enrolment']>('session/enrolment', { method: 'POST', body: {} })).data
}
/** Recovery codes: shown once. */
export async function enrolConfirm(code: string): Promise<string[]> {
  const answer = (await ask<Told['Enrolled']>('session/enrolment/confirm', { method: 'POST', body: { code } })).data
  await step(answer)
  return answer.recovery_codes
}

export async function signOut(): Promise<void> {
  try {
    await ask('session', { method: 'DELETE' })
  } catch (e) {
    if (!(e instanceof Problem) || e.status !== 401) throw e
  }
  forgetDrafts()
  take(null)
}

export function hasRole(...roles: string[]): boolean {
  return !!state.account?.grants.some((g) => g.role === 'root' || roles.includes(g.role))
}
/** May one of these registers be read (written)? Where none is named, yes. */
export function maySome(verb: 'read' | 'write', registers?: string[]): boolean {
  return !registers || registers.some((r) => state.account?.may[r]?.[verb])
}
