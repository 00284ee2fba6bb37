// SPDX-License-Identifier: Apache-2.0
// recordings.mjs FOLDER: recordings (HAR) of a download that only a cookie opens, behind a redirect: by the developer tools of Chromium, with
// and without what is secret, by those of Firefox, and by Playwright.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as chromium from './chromium.mjs';
import * as firefox from './firefox.mjs';
import { PLAIN } from './origin.mjs';

const [folder] = process.argv.slice(2);
const PAGE = '<!doctype html><meta charset="utf-8"><title>Course</title><a href="/course/download?id=7">Lecture 7</a>';
let fetched = 0;

const server = http.createServer((request, response) => {
  if (request.url === '/course/') {
    response.writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'entry=granted; HttpOnly; Path=/course' });
    response.end(PAGE);
  } else if (request.url === '/course/download?id=7') {
    response.writeHead(302, { location: '/course/lecture.bin' }).end();
  } else if (request.url === '/course/lecture.bin' && request.headers.cookie?.includes('entry=granted')) {
    ++fetched;
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-disposition': 'attachment', 'content-length': 5000 });
    response.end(Buffer.alloc(5000));
  } else {
    response.writeHead(403).end();
  }
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const host = `127.0.0.1:${server.address().port}`;
const keep = (name, text) => writeFileSync(join(folder, name), text.replaceAll(host, PLAIN));
const fetchedTimes = async (times) => {
  for (let i = 0; i < 200 && fetched < times; ++i) await new Promise((done) => setTimeout(done, 50));
  if (fetched < times) throw new Error('the browser did not download it');
};

const work = mkdtempSync(join(tmpdir(), 'restante-recordings-'));
let times = 0;
for (const [kind, browser] of Object.entries({ chromium, firefox })) {
  const tools = await browser.open(join(work, kind));
  await tools.page.bringToFront();
  await tools.page.goto(`http://${host}/course/`);
  await tools.page.click('a');
  await fetchedTimes(++times);
  // The tools know of it a little later than the server.
  for (let i = 0; i < 200 && !(await tools.har(false)).includes('"attachment"'); ++i) await new Promise((done) => setTimeout(done, 50));
  keep(`${kind}.har`, await tools.har(false));
  if (kind === 'chromium') keep('chromium-sanitized.har', await tools.har(true));
  await tools.close();
}

const { default: playwright } = await import(createRequire(new URL('../web/package.json', import.meta.url)).resolve('playwright-core'));
const browser = await playwright.chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const har = join(work, 'playwright.har');
const context = await browser.newContext({ recordHar: { path: har, content: 'omit' } });
const page = await context.newPage();
await page.goto(`http://${host}/course/`);
const [download] = await Promise.all([page.waitForEvent('download'), page.click('a')]);
await download.path();
await context.close();
await browser.close();
keep('playwright.har', readFileSync(har, 'utf8'));
server.close();
rmSync(work, { recursive: true, force: true });
