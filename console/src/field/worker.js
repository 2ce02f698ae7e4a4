// The field app without a network: what it is made of is kept on the device when it is installed, and served from there first. Nothing of the API is ever kept here.
// FILES and VERSION are filled in by the build (vite.config.ts).
const FILES = __FILES__
const KEPT = 'field-__VERSION__'

self.addEventListener('install', (e) => {
  e.waitUntil(caches.open(KEPT).then((c) => c.addAll(FILES)).then(() => self.skipWaiting()))
})
self.addEventListener('activate', (e) => {
  e.waitUntil(
    caches
      .keys()
      .then((all) => Promise.all(all.filter((k) => k.startsWith('field-') && k !== KEPT).map((k) => caches.delete(k))))
      .then(() => self.clients.claim()),
  )
})
self.addEventListener('fetch', (e) => {
  const url = new URL(e.request.url)
  if (e.request.method !== 'GET' || url.origin !== location.origin || !FILES.includes(url.pathname)) return
  e.respondWith(caches.match(url.pathname).then((kept) => kept ?? fetch(e.request)))
})
