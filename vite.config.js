import { defineConfig } from 'vite';

/** @param {string} path from here */
const file = (path) => new URL(path, import.meta.url).pathname;

const server = {
  host: '127.0.0.1',
  port: Number(process.env.PORT) || 5173,
  strictPort: Boolean(process.env.PORT), // a port that was asked for is not silently another one
};

export default defineConfig({
  root: file('web'),
  base: './', // the built page works under any path
  worker: { format: 'es' },
  build: {
    outDir: file('build/page'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // files, never data: URLs, so that a strict Content-Security-Policy holds
    modulePreload: { polyfill: false },
  },
  server: { ...server, fs: { allow: [file('.')] } },
  preview: server,
});
