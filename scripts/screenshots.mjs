// SPDX-License-Identifier: Apache-2.0
// Pictures of the main pages from a live place, for the README and the guides: docs/pictures/.
//   scripts/node.sh node scripts/screenshots.mjs [NAME...]     after ./dev build and ./dev setup test
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const { chromium } = createRequire(new URL('tests/web/package.json', root))('@playwright/test');
const pictures = fileURLToPath(new URL('docs/pictures/', root));
const hour = 3_600_000;

/** The world of the web flows: a content server and a place, both real (tests/web/bed.py). */
class Bed {
  #process = spawn('/usr/bin/python3', [fileURLToPath(new URL('tests/web/bed.py', root))], { stdio: ['pipe', 'pipe', 'inherit'] });
  #lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();

  async begin() {
    Object.assign(this, JSON.parse((await this.#lines.next()).value));
  }

  async ask(what, given = {}) {
    this.#process.stdin.write(JSON.stringify({ do: what, ...given }) + '\n');
    const said = JSON.parse((await this.#lines.next()).value);
    if (said.error) throw new Error(said.error);
    return said;
  }

  async end() {
    const ended = new Promise((done) => this.#process.once('exit', done));
    this.#process.stdin.end();
    await ended;
  }
}

const codeOf = (connect) => new URLSearchParams(new URL(connect).hash.slice(1)).get('c');

/** Somebody with an account, who sends requests from outside the browser. */
class Person {
  constructor(bed, token, jkt) {
    Object.assign(this, { bed, token, jkt });
  }

  static async enter(bed, connect) {
    const call = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code: codeOf(connect) }) };
    const { token } = await (await fetch(`${bed.place}/v1/session`, call)).json();
    const { jkt } = await (await fetch(`${bed.place}/.well-known/restante`)).json();
    return new Person(bed, token, jkt);
  }

  async read(path) {
    return (await fetch(this.bed.place + path, { headers: { Authorization: `Bearer ${this.token}` } })).json();
  }

  async send(url, { name, folder, when } = {}) {
    const now = Math.floor(Date.now() / 1000);
    const file = { sources: [{ url }], ...(name ? { name } : {}) };
    const core = { v: 1, id: crypto.randomUUID(), aud: [{ jkt: this.jkt }], iat: now, exp: now + 86_400 * 30 };
    const what = { files: [file], ...(name ? { title: name } : {}), ...(folder ? { folder } : {}) };
    const answer = await fetch(`${this.bed.place}/v1/proxies`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${this.token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...core, what, ...(when ? { when } : {}) }),
    });
    if (answer.status !== 202) throw new Error(await answer.text());
    return (await answer.json()).id;
  }

  async until(id, states) {
    for (;;) {
      const { state } = await this.read(`/v1/jobs/${id}`);
      if (states.includes(state)) return;
      await new Promise((again) => setTimeout(again, 200));
    }
  }
}

async function signIn(bed, context, connect) {
  const data = { code: codeOf(connect), cookie: true };
  const answer = await context.request.post(`${bed.place}/v1/session`, { data, headers: { Origin: bed.place } });
  if (answer.status() !== 201) throw new Error(await answer.text());
}

/** What a guest of a hotel may have there: things that came, that come, that wait for the night, and that failed. */
async function fill(bed, ana) {
  const at = (hours) => ({ start: new Date(Date.now() + hours * hour).toISOString().replace(/\.\d+Z/, 'Z') });
  const there = async (name, size) => encodeURI((await bed.ask('publish', { name, size })).url);
  const came = [
    await ana.send(await there('Lecture 11 - Tides and currents.mp4', 3_400_000), { folder: 'Lectures' }),
    await ana.send(await there('Lecture 12 - Reading a chart.mp4', 2_900_000), { folder: 'Lectures' }),
    await ana.send(await there('Harbour map 1904.jpg', 820_000)),
    await ana.send(await there('debian-12.8.0-amd64-netinst.iso', 6_600_000)),
    await ana.send(await there('Timetable of the ferries.pdf', 240_000)),
  ];
  for (const id of came) await ana.until(id, ['done']);
  await ana.until(await ana.send(encodeURI(`${bed.content}/missing/Old newsletter.pdf`)), ['failed', 'waiting']);
  await ana.send(await there('Concert in the harbour (4k).mkv', 9_000_000), { when: at(5) });
  await ana.send(await there('Field recordings.zip', 4_000_000), { when: { ...at(20), windows: [{ from: '01:00', to: '06:00' }] } });
  await ana.send(await there('Weather maps of the week.zip', 400_000), { when: at(50) });
  const running = await ana.send(await there('slow/Documentary - The lighthouse keepers.mp4', 40_000_000));
  await ana.until(running, ['running']);
  await new Promise((moved) => setTimeout(moved, 8000));
  return { running };
}

const shots = (ids) => [
  { name: 'sign-in', path: '/sign-in', who: 'nobody' },
  { name: 'downloads', path: '/downloads' },
  { name: 'download', path: `/downloads/${ids.running}` },
  { name: 'week', path: '/week' },
  { name: 'new', path: '/new', act: understand },
  { name: 'files', path: '/files' },
  { name: 'me', path: '/me' },
  { name: 'place', path: '/place', who: 'admin' },
];
const looks = [
  { suffix: '', viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  { suffix: '-dark', viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  { suffix: '-phone', viewport: { width: 390, height: 780 }, colorScheme: 'light', isMobile: true, hasTouch: true },
];

async function understand(page, bed) {
  const { url } = await bed.ask('publish', { name: 'Sea charts 2026.zip', size: 1_200_000 });
  await page.locator('textarea').first().fill(encodeURI(url));
}

/** Until nothing moves: the page has asked for what it shows. */
async function settled(page) {
  await page.locator('h1').first().waitFor();
  let before = '';
  for (let tries = 0; tries < 20; tries += 1) {
    const now = await page.locator('main').innerText();
    if (now === before && !(await page.locator('[aria-busy=true]').count())) break;
    before = now;
    await page.waitForTimeout(400);
  }
}

const wanted = process.argv.slice(2);
const bed = new Bed();
await bed.begin();
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
mkdirSync(pictures, { recursive: true });
try {
  const { name, connect } = await bed.ask('user', { quota: '2GB' });
  const ana = await Person.enter(bed, connect);
  const ids = await fill(bed, ana);
  for (const { suffix, ...look } of looks) {
    const contexts = new Map();
    for (const { name: picture, path, who = 'ana', act } of shots(ids)) {
      if (wanted.length > 0 && !wanted.includes(picture)) continue;
      if (!contexts.has(who)) {
        const context = await browser.newContext({ ...look, locale: 'en-GB', timezoneId: 'Europe/Paris', reducedMotion: 'reduce' });
        contexts.set(who, context);
        const user = who === 'admin' ? bed.admin : name;
        if (who !== 'nobody') await signIn(bed, context, (await bed.ask('connect', { name: user })).connect);
      }
      const page = await contexts.get(who).newPage();
      await page.goto(bed.place + path);
      await settled(page);
      if (act) {
        await act(page, bed);
        await page.waitForTimeout(2500);
        await settled(page);
      }
      await page.screenshot({ path: `${pictures}${picture}${suffix}.png` });
      console.log(`${picture}${suffix}.png`);
      await page.close();
    }
    for (const context of contexts.values()) await context.close();
  }
} finally {
  await browser.close();
  await bed.end();
}
