// SPDX-License-Identifier: Apache-2.0
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The pages and the background, as modules. `manifest.mjs` names the files, so theirs are fixed.
export default defineConfig({
  base: './',
  plugins: [svelte()],
  css: { preprocessorOptions: { scss: { quietDeps: true } } },
  build: {
    outDir: process.env['RESTANTE_EXTENSION_OUT'] ?? 'dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    rolldownOptions: {
      input: {
        popup: 'popup.html',
        options: 'options.html',
        ask: 'ask.html',
        background: 'src/background/main.ts',
      },
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: 'parts/[name]-[hash].js',
        assetFileNames: 'parts/[name]-[hash][extname]',
      },
    },
  },
});
