// The field app (采样): its own page, so that a phone loads nothing else; it works on when the line is gone, so it has both languages with it.
import './field.css'

import { createApp } from 'vue'

import App from './app.vue'
import { i18n, speakFrom, wordsOf, type Words } from '@/i18n'

const zh = import.meta.glob<Words>('../i18n/zh/field.json', { eager: true, import: 'default' })
const en = import.meta.glob<Words>('../i18n/en/field.json', { eager: true, import: 'default' })
await speakFrom(async (to) => wordsOf(to === 'zh' ? zh : en))
createApp(App).use(i18n).mount('#app')
if ('serviceWorker' in navigator && import.meta.env.PROD) void navigator.serviceWorker.register('/field-worker.js', { scope: '/field' })
void navigator.storage?.persist?.()
