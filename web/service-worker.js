// Keeps the whole page, so that it works offline after the first visit. The build writes its files and
// their hash into the two constants below (vite.config.js): a new version is a new cache, made in full
// before the old one goes, and it takes over when no tab shows the old one, or when the visitor says so.
// @ts-check
/// <reference lib="webworker" />

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
/** @type {string[]} relative to the page */
const FILES = /* files */ [];
const VERSION = /* version */ '';

// Other pages on the same origin keep their own caches.
const PREFIX = `unrolled ${worker.registration.scope} `;
const CACHE = PREFIX + VERSION;
const PAGE = new URL('./', worker.registration.scope).href;

worker.addEventListener('install', (event) => {
  const fresh = FILES.map(
    (file) => new Request(new URL(file, worker.registration.scope), { cache: 'reload' }),
  );
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)));
});

worker.addEventListener('activate', (event) => {
  const tidy = async () => {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await worker.clients.claim();
  };
  event.waitUntil(tidy());
});

worker.addEventListener('message', ({ data }) => {
  if (data === 'take over') worker.skipWaiting();
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(PAGE)) return;
  const answer = async () => {
    const cache = await caches.open(CACHE);
    const [folder] = request.url.slice(PAGE.length).split('/', 1);
    const isPage = request.mode === 'navigate' && !['bench', 'guide', 'reference'].includes(folder);
    const url = isPage ? PAGE : request.url;
    const kept = await cache.match(url, { ignoreSearch: true });
    if (kept) return kept;
    const response = await fetch(request);
    // Too large to be kept whole: what was read of it is.
    if (folder === 'reference' && response.ok) {
      event.waitUntil(cache.put(request.url, response.clone()).catch(() => {}));
    }
    return response;
  };
  event.respondWith(answer());
});
