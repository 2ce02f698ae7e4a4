// Every screen of the router, in both languages, at the widths of a phone and of a desk, for somebody who may see it: nothing in the console's log,
// nothing serious for axe-core, nothing that stands out of the page, no text in another language, no severity by colour alone. A screen without a visit here is a failure.
import { readFileSync } from 'node:fs'

import { api, axeFaults, go, here, must, ok, open, overflow, picture, purposeGiven, settled, signedIn, test, tiny, undrawn, unspoken, url } from './house.mjs'
import { legendFaults } from './charts.mjs'
import { tonesAlone } from './tones.mjs'

/** Who looks, where it is not the commander. */
export const lookers = { import: ['demo-intake'], admin: ['demo-system', 'demo-security', 'demo-auditor'], me: ['demo-tracer'], 'tracing-case': ['demo-tracer'], 'tracing-places': ['demo-tracer'] }

/** The parts of administration: who looks at each, and what stands there by what the server says. */
const parts = {
  accounts: ['demo-system', async (page, text) => must(text.includes('demo-guest'), 'no account of the county')],
  journal: ['demo-auditor', async (page) => must((await page.locator('#main tbody tr').count()) >= 20, 'not a page of entries')],
  tokens: ['demo-security', async (page, text) => {
    const { items } = await api(page, 'tokens?login=*')
    must(items.length && (await page.locator('.tokens li').count()) === items.length && text.includes(items[0].name), 'not the tokens that there are')
  }],
  node: ['demo-auditor', async (page, text) => must(text.includes((await api(page, 'node')).node), 'not this node')],
  retention: ['demo-auditor', async (page, text) => {
    const { registers } = await api(page, 'node/retention')
    must((await page.locator('#main tbody tr').count()) === registers.length && registers.length > 40, 'not a row for each register')
    must(text.includes(registers[0].basis) && text.includes(String(registers[0].days)), 'no basis, no days')
  }],
}

/** Addresses with something to be filled in: an example of each, from the server. */
export async function examples(page) {
  const first = async (register) => (await page.evaluate(async (r) => (await (await fetch(`/api/v1/registers/${r}/records?limit=1`)).json()).rows[0]?.id, register)) ?? 1
  return { register: 'contact', id: await first('contact'), case: await first('case'), day: '2022-05-30', person: await first('person') }
}
/** `/cases/:id` is a case, `/registers/:register/:id` a record of the register. */
export function filled(path, has) {
  const kind = /\/(case|person)s?\/:id/.exec(path)?.[1]
  return path.replace(/:(\w+)(\([^)]*\))?\??/g, (_, name) => {
    must(name in has, `no example of :${name} for ${path}: say one in console/tests/screens.mjs`)
    return String(name === 'id' && kind ? has[kind] : has[name])
  })
}
export function routes() {
  const source = readFileSync(here('../src/router.ts'), 'utf8')
  return [...source.matchAll(/\{ path: '([^']+)', name: '([^']+)'/g)].map((m) => ({ path: m[1], name: m[2] })).filter((r) => r.name !== 'lost')
}

async function whole(page, name, lang) {
  const faults = [...(await unspoken(page, lang)), ...(await axeFaults(page)), ...(await tonesAlone(page)), ...(await page.evaluate(undrawn)), ...page.seen.faults.splice(0)]
  ok(!faults.length, name, faults)
}
async function fits(page, width, name) {
  await page.setViewportSize({ width, height: width > 1440 ? 2160 : 800 })
  await settled(page, 60)
  const out = [...(await overflow(page)), ...(await legendFaults(page))]
  ok(!out.length, `${name}: nothing stands out at ${width}`, out)
  if (width > 1440) {
    const small = await tiny(page, 18)
    ok(!small.length, `${name}: nothing stays small at ${width}`, small)
  }
}

async function visit(page, screen, path, lang) {
  const name = `${screen} ${lang}`
  await page.setViewportSize({ width: 1440, height: 900 })
  await test(`${name} opens`, () => go(page, path).then(() => purposeGiven(page)), page)
  await whole(page, `${name} at 1440: log, words, axe, tones`, lang)
  await picture(page, `${screen}-${lang}-1440`)
  for (const width of [1440, 1280]) await fits(page, width, name)
  await page.setViewportSize({ width: 390, height: 844 })
  await settled(page, 60)
  await whole(page, `${name} at 390: log, words, axe, tones`, lang)
  await picture(page, `${screen}-${lang}-390`)
  await fits(page, 360, name)
  if (lang === 'zh') {
    await fits(page, 3840, name)
    await picture(page, `${screen}-${lang}-3840`)
  }
}

async function dark(page, screen, path) {
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.emulateMedia({ colorScheme: 'dark' })
  await go(page, path)
  await purposeGiven(page)
  await whole(page, `${screen} in the dark: log, words, axe, tones`, 'zh')
  await picture(page, `${screen}-dark`)
  await page.emulateMedia({ colorScheme: 'light' })
}

export async function walk(browser) {
  const scout = await signedIn(browser, 'demo-command')
  await go(scout, '/registers')
  const has = await examples(scout)
  await scout.context().close()
  const all = routes()
  ok(all.length >= 10, 'the router tells its screens', JSON.stringify(all))
  for (const lang of ['zh', 'en']) {
    const pages = new Map()
    const at = async (login) => {
      if (!pages.has(login)) pages.set(login, await signedIn(browser, login, { lang }))
      return pages.get(login)
    }
    const stranger = await open(browser, { lang })
    stranger.seen.refused = (status, address) => status === 401 && address.endsWith('/session')
    for (const { path, name } of all) {
      if (name === 'sign-in') {
        await visit(stranger, name, path, lang)
        if (lang === 'zh') await dark(stranger, name, path)
        continue
      }
      for (const login of lookers[name] ?? ['demo-command']) {
        const screen = (lookers[name]?.length ?? 1) > 1 ? `${name}-${login.slice(5)}` : name
        let where = path
        try {
          where = filled(path, has)
        } catch (e) {
          ok(false, `${screen} has an example`, e.message)
          continue
        }
        await visit(await at(login), screen, where, lang)
        if (lang === 'zh') await dark(await at(login), screen, where)
      }
    }
    for (const [part, [login, stands]] of Object.entries(parts)) {
      const page = await at(login)
      if (part === 'tokens' && lang === 'zh') {
        const tracer = await at('demo-tracer')
        await go(tracer, '/me')
        await api(tracer, 'tokens', { method: 'POST', body: { name: 'wall', expires_at: '2022-07-01T00:00:00+08:00' } })
      }
      await visit(page, `admin-part-${part}`, `/admin?part=${part}`, lang)
      await test(`admin-part-${part} ${lang} says what the server says`, async () => stands(page, await page.locator('#main').innerText()), page)
      if (lang === 'zh') await dark(page, `admin-part-${part}`, `/admin?part=${part}`)
    }
    for (const page of [...pages.values(), stranger]) await page.context().close()
  }
  await test('an address that is nothing says so', async () => {
    const page = await signedIn(browser, 'demo-command')
    await page.goto(`${url}/#/no/such/place`)
    await page.waitForSelector('#main h1')
    must(!page.seen.faults.length, page.seen.faults.join())
    await page.context().close()
  })
}
