// answers.mjs DOCUMENT: no object, list or value of it is left untold, but for those named below. answers.mjs DOCUMENT URL TOKEN: a server's answers are held to it, to what it calls required, to its
// types, and to telling all that comes: every route that only reads and needs no name, and what changes, moves, is imported, compared, worked out and proved.
import { readFileSync } from 'node:fs'

import { answers, hold, untold } from '../console/tests/told.mjs'

const [, , file, url, token] = process.argv
const told = JSON.parse(readFileSync(file, 'utf8'))
const faults = []
/** Anything may stand there, and that is what it is for. */
const open = new Set(['OpenApi', 'Settings.settings', 'SettingsPatch'])
function walk(s, at) {
  if (s.$ref) return void (told.components.schemas[s.$ref.split('/').pop()] ?? faults.push(`${at}: ${s.$ref} is not there`))
  const ways = s.oneOf ?? s.anyOf ?? s.allOf
  ways?.forEach((one, i) => walk(one, `${at}|${i}`))
  const types = [s.type ?? []].flat()
  if (!ways && !types.length && !('const' in s) && !s.enum) faults.push(`${at}: no type`)
  if (types.includes('object') && !s.properties && typeof s.additionalProperties !== 'object' && !open.has(at)) faults.push(`${at}: an object of anything`)
  if (types.includes('array') && !s.items) faults.push(`${at}: a list of anything`)
  for (const name of s.required ?? []) if (!s.properties?.[name]) faults.push(`${at}: ${name} is required and not told`)
  for (const [name, one] of Object.entries(s.properties ?? {})) walk(one, `${at}.${name}`)
  if (typeof s.additionalProperties === 'object') walk(s.additionalProperties, `${at}.*`)
  if (s.items) walk(s.items, `${at}[]`)
}
for (const [name, s] of Object.entries(told.components.schemas)) walk(s, name)
for (const [path, ways] of Object.entries(told.paths))
  for (const [method, of] of Object.entries(ways))
    for (const [status, answer] of Object.entries(of.responses)) for (const [type, one] of Object.entries(answer.content ?? {})) walk(one.schema, `${method} ${path} ${status} ${type}`)

async function ask(method, path, body, more = {}) {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const got = await fetch(url + path, { method, body: text, headers: { Authorization: `Bearer ${token}`, Accept: 'application/json', ...(text === undefined ? {} : { 'Content-Type': typeof body === 'string' ? 'text/csv' : 'application/json' }), ...more } })
  const held = got.clone()
  await hold({ url: () => url + path, headers: () => Object.fromEntries(held.headers), status: () => held.status, json: () => held.json(), request: () => ({ method: () => method }) })
  const json = /json/.test(got.headers.get('content-type') ?? '') ? await got.json() : {}
  if (got.status >= 300 && method !== 'GET') faults.push(`${method} ${path}: ${got.status} ${JSON.stringify(json).slice(0, 300)}`)
  return json
}
/** What a job has come to. */
async function ended(job) {
  for (let now = job; ; now = await ask('GET', `/api/v1/jobs/${job.id}`)) {
    if (now.state === 'failed') faults.push(`job ${now.kind} ${now.step}: ${now.error.detail}`)
    if (!['new', 'queued', 'running'].includes(now.state)) return now
    await new Promise((go) => setTimeout(go, 100))
  }
}
const work = async (kind, step, params) => ended(await ask('POST', '/api/v1/jobs', { kind, step, params }))

if (url) {
  const records = (register) => `/api/v1/registers/${register}/records`
  const place = await ask('POST', records('place'), { region: '310115', fields: { title: '二号楼', capacity: 4, phone: '021-58880000' } })
  await ask('PATCH', `${records('place')}/${place.id}`, { fields: { capacity: 5, title: '三号楼' } }, { 'Tocsin-Reason': 'counted' })
  const { entries } = await ask('GET', `${records('place')}/${place.id}/history`)
  if (entries[0]?.before.capacity !== 4 || entries[0].after.capacity !== 5 || entries[1]?.after.phone !== '***') faults.push(`history: ${JSON.stringify(entries)}`)
  const person = await ask('POST', records('person'), { region: '310115', fields: { name: '王芳', sex: 'female', birth: '1980-02-03' } })
  const one = await ask('POST', records('case'), { region: '310115', fields: { person: person.id, disease: 'covid-19', classification: 'confirmed', report_date: '2022-05-29' } })
  await ask('POST', records('contact'), { region: '310115', fields: { person: (await ask('POST', records('person'), { region: '310115', fields: { name: '李娜' } })).id, index_case: one.id, last_contact: '2022-05-28' } })
  await ask('PATCH', `${records('case')}/${one.id}`, { fields: { report_date: '2022-05-30' } })
  await ask('GET', `${records('case')}/${one.id}/history`)
  const whole = await ask('GET', `/api/v1/persons/${person.id}`)
  if (whole.records?.[0]?.register !== 'case') faults.push(`no case among ${JSON.stringify(whole.records)}`)
  const plan = await ask('POST', '/api/v1/testing/plan', { samplers: 40, tubes_per_day: 5000, turnaround_hours: 6, areas: [{ name: 'a', people: 9000, tables: 20, sites: [{ name: 'gate', people: 6000, tables: 12 }, { name: 'school', people: 3000, tables: 8 }] }] })
  if (plan.areas?.[0].sites?.length !== 2) faults.push('a plan without its sites')

  let job = await ended(await ask('POST', '/api/v1/imports?register=place&file=a.csv', '名称,容纳人数\n四号楼,40\n五号楼,many\n'))
  for (const step of ['check', 'run', 'undo']) job = await ended(await ask('POST', `/api/v1/imports/${job.id}/${step}`))
  if (job.result.run?.created !== 1 || job.result.run.refused !== 1 || job.result.undo?.removed !== 1 || !job.result.errors?.file) faults.push(`import: ${JSON.stringify(job.result)}`)
  job = await work('policy', 'diff', { policy: 'covid-2022-20' })
  if (!job.result.diff?.changes.length) faults.push('a comparison that changes nothing')
  await work('policy', 'adopt', { policy: 'covid-2022-20', from: '2022-05-30', reason: 'in force' })
  await work('report', 'draft', { day: '2022-05-29' })
  await work('report', 'freeze', { day: '2022-05-29' })
  await work('export', 'run', { register: 'place', format: 'csv' })
  job = await work('audit', 'verify', {})
  if (!job.result.verify?.whole) faults.push(`the journal: ${JSON.stringify(job.result)}`)
  for (const path of Object.keys(told.paths)) if (told.paths[path].get && !path.includes('{') && path.startsWith('/api/v1/') && !/events|oidc/.test(path)) await ask('GET', path)
  for (const path of Object.keys(told.paths)) if (/^\/api\/v1\/registers\/[a-z_]+\/records\/\{id\}$/.test(path)) await ask('GET', path.replace('/records/{id}', ''))
  faults.push(...untold)
  console.log(`${answers.held} answers held`)
  if (answers.held < 100) faults.push('too few')
}
for (const one of faults.slice(0, 20)) console.error(one)
process.exit(faults.length ? 1 : 0)
