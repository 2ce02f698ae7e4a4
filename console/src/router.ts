// The screens. One line each; the frame's menu derives from it.
import type { Component } from 'vue'
import { createRouter, createWebHashHistory, type RouteParamsGeneric } from 'vue-router'

import { registerOf } from '@/api/registers'
import { session, sessionLoad } from '@/session'

export interface Screen {
  path: string
  name: string
  /** Key under `menu`; absent: not in the menu. */
  menu?: string
  /** In the menu of these roles only; the server decides in any case. */
  roles?: string[]
  load: () => Promise<Component>
  /** What the screen asks for first, asked for beside its script. */
  ahead?: (params: RouteParamsGeneric) => Promise<unknown>
}

export const screens: Screen[] = [
  { path: '/', name: 'board', menu: 'board', load: () => import('@/screens/board.vue') },
  { path: '/work', name: 'work', menu: 'work', load: () => import('@/screens/work.vue') },
  { path: '/tracing', name: 'tracing', menu: 'tracing', roles: ['command', 'intake', 'tracer', 'isolator', 'clinician', 'reporter', 'auditor', 'police', 'industry'], load: () => import('@/screens/tracing.vue') },
  { path: '/tracing/case/:id', name: 'tracing-case', load: () => import('@/screens/tracing-case.vue') },
  { path: '/tracing/places', name: 'tracing-places', load: () => import('@/screens/tracing-places.vue') },
  { path: '/tracing/chains', name: 'tracing-chains', load: () => import('@/screens/tracing-chains.vue') },
  { path: '/tracing/requests', name: 'tracing-requests', load: () => import('@/screens/tracing-requests.vue') },
  { path: '/testing', name: 'testing', menu: 'testing', roles: ['command', 'intake', 'tracer', 'tester', 'sampler', 'laboratory', 'reporter', 'auditor'], load: () => import('@/screens/testing.vue') },
  { path: '/testing/sites', name: 'testing-sites', load: () => import('@/screens/testing-sites.vue') },
  { path: '/testing/laboratory', name: 'testing-laboratory', roles: ['command', 'tester', 'laboratory', 'reporter', 'auditor'], load: () => import('@/screens/testing-laboratory.vue') },
  { path: '/testing/recall', name: 'testing-recall', roles: ['command', 'intake', 'tracer', 'tester', 'sampler', 'laboratory', 'reporter', 'auditor'], load: () => import('@/screens/testing-recall.vue') },
  { path: '/testing/planner', name: 'planner', menu: 'planner', roles: ['command', 'tester', 'system'], load: () => import('@/screens/planner.vue') },
  { path: '/import', name: 'import', menu: 'import', load: () => import('@/screens/import.vue') },
  { path: '/reports', name: 'reports', menu: 'reports', load: () => import('@/screens/reports.vue') },
  { path: '/policies', name: 'policies', menu: 'policies', load: () => import('@/screens/policies.vue') },
  { path: '/admin', name: 'admin', menu: 'admin', roles: ['system', 'security', 'auditor'], load: () => import('@/screens/admin.vue') },
  { path: '/me', name: 'me', load: () => import('@/screens/me.vue') },
  { path: '/registers', name: 'registers', menu: 'registers', load: () => import('@/screens/registers.vue') },
  { path: '/registers/:register', name: 'register', load: () => import('@/screens/register.vue'), ahead: (p) => registerOf(String(p.register)) },
  { path: '/cases/:id', name: 'case', load: () => import('@/screens/case.vue') },
  { path: '/registers/:register/:id', name: 'record', load: () => import('@/screens/record.vue') },
]

export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/sign-in', name: 'sign-in', component: () => import('@/screens/sign-in.vue'), meta: { open: true } },
    ...screens.map((s) => ({ path: s.path, name: s.name, component: s.load })),
    { path: '/:rest(.*)*', name: 'lost', component: () => import('@/screens/lost.vue') },
  ],
})

router.beforeEach(async (to) => {
  if (to.meta.open) return true
  // beside the question who is there: the script of the screen, and its first question
  const screen = screens.find((s) => s.name === to.name)
  void screen?.load()
  screen?.ahead?.(to.params).catch(() => {})
  try {
    await sessionLoad()
  } catch {
    return true // the frame says that the server is away; what was open stays
  }
  return session.account ? true : { name: 'sign-in', query: to.fullPath === '/' ? {} : { to: to.fullPath } }
})
