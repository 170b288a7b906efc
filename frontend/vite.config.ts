import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'
import { baseSky } from './scripts/base-sky.mjs'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  plugins: [svelte(), baseSky()],
  resolve: { alias: { $lib: here('./src/lib') } },
  build: {
    outDir: here('../src/deepfield/web/portal/static'),
    emptyOutDir: true,
    assetsDir: 'assets',
    assetsInlineLimit: 0, // the content security policy allows no data: addresses
    target: 'es2022',
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(
      ['/api', '/tap', '/products', '/previews', '/health'].map((path) => [
        path,
        process.env['DEEPFIELD_SERVER'] ?? 'http://127.0.0.1:8000',
      ]),
    ),
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
})
