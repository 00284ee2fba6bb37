// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vite';

// What runs within pages: one classic script without imports.
export default defineConfig({
  publicDir: false,
  build: {
    outDir: process.env['RESTANTE_EXTENSION_OUT'] ?? 'dist',
    emptyOutDir: false,
    target: 'es2022',
    reportCompressedSize: false,
    lib: { entry: 'src/content/main.ts', formats: ['iife'], name: 'restante', fileName: () => 'content.js' },
  },
});
