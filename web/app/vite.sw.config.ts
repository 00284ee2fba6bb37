// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defineConfig } from 'vite';

const out = resolve(process.env['RESTANTE_WEB_OUT'] ?? 'dist');
/** Larger parts that the page does not name (the plot) are kept when they are first used. */
const largest = 40_000;
const page = readFileSync(join(out, 'index.html'), 'utf8');
const isKept = (name: string) =>
  page.includes('/' + name) || (name.startsWith('assets/') && statSync(join(out, name)).size <= largest);

/** The files that the first build made, by address; the page itself is kept as "/". */
const files = readdirSync(out, { recursive: true, encoding: 'utf8' })
  .filter((name) => /^(assets|icons)\//.test(name) && statSync(join(out, name)).isFile())
  .sort();
const hash = createHash('sha256').update(page);
for (const name of files) hash.update(name).update(readFileSync(join(out, name)));
const shell = {
  version: hash.digest('hex').slice(0, 16),
  files: files.filter(isKept).map((name) => '/' + name),
};

// After the app, because the worker holds the names of the app's files. One classic script without imports.
export default defineConfig({
  publicDir: false,
  define: { SHELL: JSON.stringify(shell) },
  build: {
    outDir: out,
    emptyOutDir: false,
    target: 'es2022',
    reportCompressedSize: false,
    lib: { entry: 'sw/sw.ts', formats: ['iife'], name: 'sw', fileName: () => 'sw.js' },
  },
});
