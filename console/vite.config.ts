import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import components from 'unplugin-vue-components/vite'
import { defineConfig } from 'vite'

// `npm run dev` talks to a server on its usual port; the built console is served by that server itself.
const server = process.env.TOCSIN_URL ?? 'http://127.0.0.1:8460'

export default defineConfig({
  plugins: [vue(), components({ dts: false, dirs: [], resolvers: [ElementPlusResolver({ importStyle: 'css' })] })],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  define: { __VUE_OPTIONS_API__: 'false', __VUE_I18N_LEGACY_API__: 'false', __INTLIFY_PROD_DEVTOOLS__: 'false' },
  build: {
    outDir: '../build/console',
    emptyOutDir: true,
    target: 'es2022',
    // No inline script or style that a strict content security policy would refuse.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { output: { manualChunks: { vue: ['vue', 'vue-router', 'vue-i18n'] } } },
  },
  server: { proxy: { '/api': server, '/public': server } },
})
