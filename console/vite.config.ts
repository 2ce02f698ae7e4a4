import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import components from 'unplugin-vue-components/vite'
import { defineConfig, type Plugin } from 'vite'

// `npm run dev` talks to a server on its usual port; the built console is served by that server itself.
const server = process.env.TOCSIN_URL ?? 'http://127.0.0.1:8460'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

// The worker of the field app: it has to know by name everything the app is made of, parts loaded later included.
function fieldWorker(): Plugin {
  return {
    name: 'field-worker',
    apply: 'build',
    generateBundle(_, bundle) {
      const files = new Set(['/field.html', '/field.webmanifest', '/bell.svg'])
      const take = (name: string): void => {
        const chunk = bundle[name]
        if (files.has(`/${name}`) || chunk?.type !== 'chunk') return
        files.add(`/${name}`)
        chunk.viteMetadata?.importedCss.forEach((css) => files.add(`/${css}`))
        ;[...chunk.imports, ...chunk.dynamicImports].forEach(take)
      }
      for (const chunk of Object.values(bundle)) if (chunk.type === 'chunk' && chunk.isEntry && chunk.facadeModuleId?.endsWith('field.html')) take(chunk.fileName)
      const list = [...files].sort()
      const source = readFileSync(at('./src/field/worker.js'), 'utf8')
      const version = createHash('sha256').update(source + list.join() + readFileSync(at('./field.html'), 'utf8')).digest('hex').slice(0, 12)
      this.emitFile({ type: 'asset', fileName: 'field-worker.js', source: source.replace('__FILES__', JSON.stringify(list)).replace('__VERSION__', version) })
    },
  }
}

/** What every screen shares, each a kilobyte or two, comes in one file: a request costs a browser more than its bytes. */
const house = /\/src\/(api\/(registers|regions|names|pages|paste|check)|take|tried|later)\b/
function together(id: string): string | undefined {
  if (/\/node_modules\/(@vue|vue|vue-router|vue-i18n|@intlify)\//.test(id)) return 'vue'
  return house.test(id) ? 'house' : undefined
}

export default defineConfig({
  plugins: [vue(), components({ dts: false, dirs: [], resolvers: [ElementPlusResolver({ importStyle: 'css' })] }), fieldWorker()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  // Element Plus's tree in a select extends another component: that is the options API, without it no region has a name.
  define: { __VUE_OPTIONS_API__: 'true', __VUE_I18N_LEGACY_API__: 'false', __INTLIFY_PROD_DEVTOOLS__: 'false' },
  build: {
    outDir: '../build/console',
    emptyOutDir: true,
    target: 'es2022',
    // No inline script or style that a strict content security policy would refuse.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { input: [at('./index.html'), at('./field.html')], output: { manualChunks: together } },
  },
  server: { proxy: { '/api': server, '/public': server } },
})
