import 'element-plus/theme-chalk/base.css'
import 'element-plus/theme-chalk/dark/css-vars.css'
import './style/house.css'
import './style/parts.css'

import { createApp } from 'vue'

import App from './app.vue'
import { keepFocus } from './focus'
import { i18n, speakFrom } from './i18n'
import { router } from './router'

const app = createApp(App).use(i18n).use(router)
await speakFrom(async (to) => (await (to === 'zh' ? import('./i18n/words-zh') : import('./i18n/words-en'))).default)
app.mount('#app')
keepFocus()
