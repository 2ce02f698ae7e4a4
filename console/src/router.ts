// The screens. One line each; the frame's menu derives from it.
import { watch, type Component } from 'vue'
import { createRouter, createWebHashHistory, START_LOCATION, type RouteParamsGeneric } from 'vue-router'

import { answers, reachable } from '@/api/client'
import { registerReady } from '@/api/registers'
import { hasRole, maySome, session, sessionLoad } from '@/session'

export const groups = ['watch', 'desk', 'data', 'rules'] as const
export interface Screen {
  path: string
  name: string
  /** Key under `menu`; absent: not in the menu. */
  menu?: string
  /** What its entry stands under in the menu: groups of work, in this order. */
  group?: (typeof groups)[number]
  /** Told only to those who may read (write) one of these registers; the server decides in any case. */
  reads?: string[]
  writes?: string[]
  load: () => Promise<Component>
  /** What the screen asks for first, asked for beside its script. */
  ahead?: (params: RouteParamsGeneric) => Promise<unknown>
}

export const screens: Screen[] = [
  { path: '/', name: 'board', menu: 'board', group: 'watch', reads: ['case'], load: () => import('@/screens/board.vue') },
  { path: '/work', name: 'work', menu: 'work', group: 'watch', reads: ['case', 'place', 'tube'], load: () => import('@/screens/work.vue') },
  { path: '/tracing', name: 'tracing', menu: 'tracing', group: 'desk', reads: ['contact'], load: () => import('@/screens/tracing.vue') },
  { path: '/tracing/case/:id', name: 'tracing-case', load: () => import('@/screens/tracing-case.vue') },
  { path: '/tracing/places', name: 'tracing-places', load: () => import('@/screens/tracing-places.vue') },
  { path: '/tracing/chains', name: 'tracing-chains', load: () => import('@/screens/tracing-chains.vue') },
  { path: '/tracing/requests', name: 'tracing-requests', load: () => import('@/screens/tracing-requests.vue') },
  { path: '/testing', name: 'testing', menu: 'testing', group: 'desk', reads: ['tube'], load: () => import('@/screens/testing.vue') },
  { path: '/testing/sites', name: 'testing-sites', load: () => import('@/screens/testing-sites.vue') },
  { path: '/testing/laboratory', name: 'testing-laboratory', reads: ['lab_run'], load: () => import('@/screens/testing-laboratory.vue') },
  { path: '/testing/recall', name: 'testing-recall', load: () => import('@/screens/testing-recall.vue') },
  { path: '/testing/planner', name: 'planner', writes: ['round'], load: () => import('@/screens/planner.vue') },
  { path: '/registers', name: 'registers', menu: 'registers', group: 'data', load: () => import('@/screens/registers.vue') },
  { path: '/import', name: 'import', menu: 'import', group: 'data', writes: ['import'], load: () => import('@/screens/import.vue') },
  { path: '/reports', name: 'reports', menu: 'reports', group: 'rules', reads: ['case'], load: () => import('@/screens/reports.vue') },
  { path: '/policies', name: 'policies', menu: 'policies', group: 'rules', reads: ['adoption'], load: () => import('@/screens/policies.vue') },
  { path: '/admin', name: 'admin', menu: 'admin', group: 'rules', reads: ['account'], load: () => import('@/screens/admin.vue') },
  { path: '/me', name: 'me', load: () => import('@/screens/me.vue') },
  { path: '/registers/:register', name: 'register', load: () => import('@/screens/register.vue'), ahead: (p) => registerReady(String(p.register)) },
  { path: '/cases/:id', name: 'case', load: () => import('@/screens/case.vue') },
  { path: '/registers/:register/:id', name: 'record', load: () => import('@/screens/record.vue') },
]
export const seen = (s: Screen): boolean => maySome('read', s.reads) && maySome('write', s.writes)

/** Where the day of a role begins; where none of these is, it begins with what is owed, and without that at the registers. */
const homes: [string, string][] = [
  ['root', 'board'],
  ['command', 'board'],
  ['laboratory', 'testing-laboratory'],
  ['tester', 'testing'],
  ['sampler', 'testing-sites'],
  ['approver', 'reports'],
  ['reporter', 'reports'],
  ['system', 'admin'],
  ['security', 'admin'],
  ['auditor', 'admin'],
]
export function home(): string {
  const first = homes.find(([role]) => hasRole(role))?.[1] ?? 'work'
  const screen = screens.find((s) => s.name === first)
  return screen && seen(screen) ? screen.path : '/registers'
}

export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/sign-in', name: 'sign-in', component: () => import('@/screens/sign-in.vue'), meta: { open: true } },
    ...screens.map((s) => ({ path: s.path, name: s.name, component: s.load })),
    { path: '/:rest(.*)*', name: 'lost', component: () => import('@/screens/lost.vue') },
  ],
})

const bare = !location.hash
router.beforeEach(async (to, from) => {
  if (to.meta.open) return true
  // beside the question who is there: the script of the screen, and its first question
  const screen = screens.find((s) => s.name === to.name)
  screen?.load().catch(() => {})
  screen?.ahead?.(to.params).catch(() => {})
  try {
    await sessionLoad()
  } catch {
    return true // the frame says that the server is away; what was open stays
  }
  if (!session.account) return { name: 'sign-in', query: to.fullPath === '/' ? {} : { to: to.fullPath } }
  if (to.name === 'board' && screen && ((bare && from === START_LOCATION) || !seen(screen)) && home() !== to.path) return home()
  return true
})

// The script of a screen does not come when the server is away, or is another edition by now whose scripts have other names. As soon as it answers the page begins anew where one
// was going; what is typed is kept. What does not come then either is asked for again every five seconds.
const begun = 'tocsin.begun'
router.onError((_e, to) => {
  const anew = (): void => {
    sessionStorage.setItem(begun, to.fullPath)
    location.hash = `#${to.fullPath}`
    location.reload()
  }
  const look = async (): Promise<void> => {
    if (await answers()) anew()
    else watch(reachable, (is) => is && anew(), { once: true })
  }
  window.setTimeout(() => void look(), sessionStorage.getItem(begun) === to.fullPath ? 5000 : 0)
})
router.afterEach((_to, _from, failure) => {
  if (!failure) sessionStorage.removeItem(begun)
})
