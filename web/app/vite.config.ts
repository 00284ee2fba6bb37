// SPDX-License-Identifier: Apache-2.0
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// Nothing inline (the page's policy forbids it), every asset under a name that tells its content.
export default defineConfig({
  plugins: [svelte()],
  css: { preprocessorOptions: { scss: { quietDeps: true } } },
  build: {
    outDir: process.env['RESTANTE_WEB_OUT'] ?? 'dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
