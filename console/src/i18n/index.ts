// Two languages, Chinese first. Every text of the console comes from zh.json and en.json, which scripts/words.mjs holds to the same keys;
// titles of registers, fields, codes and rules come from the server in both languages (`say`).
import { createI18n } from 'vue-i18n'

import en from './en.json'
import zh from './zh.json'

export type Language = 'zh' | 'en'

const kept = localStorage.getItem('tocsin.language')
const first: Language = kept === 'zh' || kept === 'en' ? kept : navigator.language.toLowerCase().startsWith('en') ? 'en' : 'zh'

export const i18n = createI18n({ legacy: false, locale: first, fallbackLocale: 'zh', messages: { zh, en } })
const locale = i18n.global.locale

export function language(): Language {
  return locale.value as Language
}

export function speak(to: Language): void {
  locale.value = to
  localStorage.setItem('tocsin.language', to)
  document.documentElement.lang = to === 'zh' ? 'zh-CN' : 'en'
}
speak(first)

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
