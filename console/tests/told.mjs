// Answers are held to the API's own document: what it calls required is there, each value is of the type it tells, and nothing comes that it does not tell. House.mjs hands every answer over that
// a walk has seen; run.mjs says at the end what differed.
const document = new Map()
/** Each fault once: where, and what. */
export const untold = new Set()
export const answers = { held: 0 }

function ways(paths) {
  return Object.entries(paths)
    .map(([path, of]) => ({ of, fixed: path.replace(/\{[^}]*\}/g, '').length, like: new RegExp(`^${path.replace(/\{[^}]*\}/g, '[^/]+')}$`) }))
    .sort((a, b) => b.fixed - a.fixed)
}
async function of(origin) {
  if (!document.has(origin)) {
    document.set(origin, fetch(`${origin}/api/openapi.json`).then(async (answer) => {
      const whole = await answer.json()
      return { schemas: whole.components.schemas, ways: ways(whole.paths) }
    }))
  }
  return document.get(origin)
}
const kind = (v) => (v === null ? 'null' : Array.isArray(v) ? 'array' : Number.isInteger(v) ? 'integer' : typeof v)
/** Faults of a value by a schema. */
function faults(schemas, schema, v, at, out) {
  if (schema.$ref) return faults(schemas, schemas[schema.$ref.split('/').pop()], v, at, out)
  if (schema.allOf) {
    const parts = schema.allOf.map((one) => (one.$ref ? schemas[one.$ref.split('/').pop()] : one))
    return faults(schemas, { type: 'object', required: parts.flatMap((one) => one.required ?? []), properties: Object.assign({}, ...parts.map((one) => one.properties)) }, v, at, out)
  }
  if (schema.anyOf ?? schema.oneOf) {
    const tried = (schema.anyOf ?? schema.oneOf).map((one) => faults(schemas, one, v, at, []))
    if (tried.every((one) => one.length)) out.push(...tried.sort((a, b) => a.length - b.length)[0])
    return out
  }
  if (schema.enum && !schema.enum.includes(v)) out.push(`${at}: ${JSON.stringify(v)} is none of ${schema.enum}`)
  if ('const' in schema && schema.const !== v) out.push(`${at}: ${JSON.stringify(v)}, not ${schema.const}`)
  const types = [schema.type ?? []].flat()
  const is = kind(v)
  if (types.length && !types.includes(is) && !(is === 'integer' && types.includes('number'))) return out.push(`${at}: ${is}, not ${types.join(' or ')}`), out
  if (is === 'array' && schema.items) for (const one of v.slice(0, 50)) faults(schemas, schema.items, one, `${at}[]`, out)
  if (is === 'object') {
    for (const name of schema.required ?? []) if (!(name in v)) out.push(`${at}.${name} is required and not there`)
    for (const [name, one] of Object.entries(v)) {
      const told = schema.properties?.[name] ?? schema.additionalProperties
      if (told && typeof told === 'object') faults(schemas, told, one, `${at}.${name}`, out)
      else if (schema.properties && !told) out.push(`${at}.${name} is not told`)
    }
  }
  return out
}
/** One answer of the API. */
export async function hold(response) {
  const { origin, pathname } = new URL(response.url())
  if (!pathname.startsWith('/api/v1/') || !/^application\/json/.test(response.headers()['content-type'] ?? '') || response.status() >= 300) return
  const body = await response.json().catch(() => undefined) // gone with its page
  if (body === undefined) return
  const { schemas, ways } = await of(origin)
  const way = ways.find((one) => one.like.test(decodeURIComponent(pathname)))
  const told = way?.of[response.request().method().toLowerCase()]?.responses?.[response.status()]?.content?.['application/json']?.schema
  const name = told?.$ref?.split('/').pop() ?? pathname
  if (!told) return void untold.add(`${response.request().method()} ${pathname} ${response.status()}: the document tells no such answer`)
  answers.held++
  for (const one of faults(schemas, told, body, name, [])) untold.add(one)
}
