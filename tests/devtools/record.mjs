// SPDX-License-Identifier: Apache-2.0
// record.mjs chromium|firefox FILE: what the browser's own developer tools copy as curl commands, with what was really sent.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cases, run, secure } from './cases.mjs';
import { Origin } from './origin.mjs';

const [kind, file] = process.argv.slice(2);
const { open } = await import(`./${kind}.mjs`);
const profile = mkdtempSync(join(tmpdir(), `restante-devtools-${kind}-`));
const origin = await Origin.start();
const tools = await open(profile);
const entries = [];

for (const [scheme, host, names] of [
  ['http', origin.plain, Object.keys(cases)],
  ['https', origin.secure, secure],
]) {
  await tools.page.goto(`${scheme}://${host}/page`);
  const asked = names.map((name) => (scheme === 'https' ? `h2-${name}` : name));
  for (const [i, name] of names.entries())
    await tools.page.evaluate(run, { at: `${scheme}://${host}/${asked[i]}/`, one: cases[name] });
  const commands = await tools.commands(asked);
  for (const name of asked) {
    const [sent] = origin.seen.get(name) ?? [];
    const found = commands.find((one) => new URL(one.url).pathname.split('/')[1] === name);
    if (!sent || !found) throw new Error(`${name}: ${sent ? 'the tools do not know it' : 'it was never sent'}`);
    for (const shell of ['bash', 'cmd']) entries.push({ name, shell, command: found[shell], sent });
  }
}
await tools.close();
origin.stop();
rmSync(profile, { recursive: true, force: true });
const lines = entries.map((one) => origin.settled(JSON.stringify(one)));
writeFileSync(file, `{"agent": ${JSON.stringify(tools.agent)}, "entries": [\n${lines.join(',\n')}\n]}\n`);
console.log(`${tools.agent}: ${entries.length} commands`);
