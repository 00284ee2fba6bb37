// SPDX-License-Identifier: Apache-2.0
// What pages and content servers try with the extension.
import { labelOf } from '../../../web/extension/src/background/captured';
import { readHead } from '../../../web/extension/src/background/heads';
import { done, expect, test } from './harness';

const JKT = 'k'.repeat(43);
const CODE = 'c'.repeat(22);

/** Controls, marks that turn the direction of writing, and letters without width. */
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

test('a name that is shown holds nothing that turns or hides its letters, and is short', () => {
  const names = [
    readHead([
      {
        name: 'content-disposition',
        value: "attachment; filename*=UTF-8''a%E2%80%AEgpj.exe",
      },
    ]).label,
    labelOf('https://files.example/a%E2%80%AEgpj.exe', ''),
    labelOf('https://files.example/', 'a\u2066\u0007\ngpj.exe'),
    labelOf(`https://files.example/${'x'.repeat(5000)}`, ''),
    labelOf('https://files.example/', 'y'.repeat(5000)),
  ].map((name) => labelOf('https://files.example/', name));

  for (const name of names) {
    expect(name).not.toMatch(HIDDEN);
    expect(name.length).toBeLessThanOrEqual(255);
    expect(name).not.toBe('');
  }
});

test('an address that another tab puts in its stead is not connected by a yes', async ({
  extension,
  origin,
  page,
}) => {
  await page.goto(`${origin.url}/pair#k=${JKT}&c=${CODE}`);
  await expect.poll(async () => (await extension.state()).offered).toEqual({ origin: origin.url });

  // Shown was another one a moment ago.
  await expect(extension.ask({ do: 'connect', offered: 'https://home.example' })).rejects.toThrow(
    /^changed: /,
  );

  expect(await origin.book('/.well-known/restante')).toEqual([]);
});

test('a page cannot fill the list of questions without end', async ({
  ana: _connected,
  extension,
  origin,
  page,
}) => {
  await extension.set({ mode: 'ask' });
  await page.goto(`${origin.url}/page`);

  await page.evaluate(() => {
    for (let i = 0; i < 140; i += 1) {
      const frame = document.createElement('iframe');
      frame.src = `/attachment?of=flood${i}`;
      document.body.append(frame);
    }
  });

  await expect.poll(async () => (await extension.state()).asked.length).toBe(128);
  await expect
    .poll(async () => (await origin.book('/attachment?of=flood')).length)
    .toBeGreaterThanOrEqual(140);
  expect((await extension.state()).asked.length).toBe(128);
  await extension.forgetDownloads();
});

test('a content server that knows the place gets no further by redirecting to it than the options say', async ({
  ana,
  bed,
  extension,
  origin,
  page,
}) => {
  await extension.set({ capture: 'off' });
  await page.goto(`${origin.url}/page`);

  const to = encodeURIComponent(`${bed.place}/nav204`);
  await page.goto(`${origin.url}/led?to=${to}`).catch(() => undefined);
  await extension.set({ capture: 'always' });
  await page.goto(`${origin.url}/page`);
  await page.click('#attachment');

  const jobs = await done(ana, 1);
  expect(jobs.map((job) => job['name'])).toEqual(['report.pdf']);
});

test('names that are no names of files, and odd cookies, do not keep a download from the place', async ({
  ana,
  origin,
  page,
}) => {
  await page.goto(`${origin.url}/page`);
  await page.evaluate(() => {
    document.cookie = 'a[b]="x, y";path=/notes.txt';
    document.cookie = 'wide=ü;path=/notes.txt';
    document.getElementById('saved')!.setAttribute('download', `../1\u202e/2${'n'.repeat(300)}.txt`);
  });

  await page.click('#saved');

  const [job] = await done(ana, 1);
  expect(job!['state']).toBe('done');
});
