// The field app (采样): its own page, so that a phone loads nothing else; it works on when the line is gone.
import './field.css'

import { createApp } from 'vue'

import App from './app.vue'
import { i18n } from '@/i18n'

createApp(App).use(i18n).mount('#app')
if ('serviceWorker' in navigator && import.meta.env.PROD) void navigator.serviceWorker.register('/field-worker.js', { scope: '/field' })
void navigator.storage?.persist?.()
