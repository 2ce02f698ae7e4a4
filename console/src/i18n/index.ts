// Two languages, Chinese first. Every text of the console comes from a file in zh/ and en/ (`board.title` from board.json), which scripts/words.mjs
// holds to the same keys; titles of registers, fields, codes and rules come from the server in both languages (`say`).
import { createI18n } from 'vue-i18n'

export type Language = 'zh' | 'en'
export type Words = { [key: string]: string | Words }

const kept = localStorage.getItem('tocsin.language')
const first: Language = kept === 'zh' || kept === 'en' ? kept : navigator.language.toLowerCase().startsWith('en') ? 'en' : 'zh'

export const i18n = createI18n({ legacy: false, locale: first as string, fallbackLocale: 'zh' })
const { locale, setLocaleMessage } = i18n.global
const known = new Set<Language>()
let load: (to: Language) => Promise<Words>

export function language(): Language {
  return locale.value as Language
}

export async function speak(to: Language): Promise<void> {
  if (!known.has(to)) setLocaleMessage(to, await load(to))
  known.add(to)
  locale.value = to
  localStorage.setItem('tocsin.language', to)
  document.documentElement.lang = to === 'zh' ? 'zh-CN' : 'en'
}
/** Where a page has its words: those of a language are loaded when it is spoken first. */
export function speakFrom(source: (to: Language) => Promise<Words>): Promise<void> {
  load = source
  return speak(first)
}
/** The files of a folder, as import.meta.glob gives them, under their names. */
export function wordsOf(files: Record<string, Words>): Words {
  return Object.fromEntries(Object.entries(files).map(([path, words]) => [path.replace(/^.*\/|\.json$/g, ''), words]))
}

/** What the server says in two languages. */
export interface Said {
  zh?: string | null
  en?: string | null
}
export function say(both: Said | null | undefined, otherwise = ''): string {
  if (!both) return otherwise
  return (language() === 'zh' ? both.zh || both.en : both.en || both.zh) || otherwise
}
export const t = i18n.global.t
