// SPDX-License-Identifier: Apache-2.0
// Makes src/generated/: the types of the contract's calls, and the table of reasons. Neither is committed.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';
import { parse } from 'yaml';

const contract = new URL('../../contract/', import.meta.url);
const out = new URL('src/generated/', import.meta.url);
const head =
  '// SPDX-License-Identifier: Apache-2.0\n// Made by generate.mjs from contract/; not committed.\n';

/** Writes only what changed, so that a build after it has nothing to do. */
async function keep(name, text) {
  const file = new URL(name, out);
  const before = await readFile(file, 'utf8').catch(() => '');
  if (before !== head + text) await writeFile(file, head + text);
}

await mkdir(out, { recursive: true });
const openapi = parse(await readFile(new URL('openapi.yaml', contract), 'utf8'), { merge: true });
await keep('api.ts', astToString(await openapiTS(openapi)));

const { reasons, problems } = parse(await readFile(new URL('reasons.yaml', contract), 'utf8'));
const row = ({ code, class: kind, words }) =>
  `  ${JSON.stringify(code)}: { kind: ${JSON.stringify(kind)}, words: ${JSON.stringify(words)} },\n`;
const table = (name, rows) => `export const ${name} = {\n${rows.map(row).join('')}} as const;\n`;
await keep('reasons.ts', table('reasons', reasons) + table('problems', problems));
