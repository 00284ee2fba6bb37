// SPDX-License-Identifier: Apache-2.0
import { done, expect, taken, test } from './harness';

/** What is clicked, and the file that there is then. */
const CASES = [
  {
    click: '#plain',
    file: 'plain.bin',
    content: '/files/plain.bin',
    target: '/files/plain.bin',
  },
  {
    click: '#zip',
    file: 'week.zip',
    content: '/files/week.zip',
    target: '/files/week.zip',
  },
  {
    click: '#attachment',
    file: 'report.pdf',
    content: 'report',
    target: '/attachment?of=report',
  },
  {
    click: '#member',
    file: 'member.dat',
    content: 'member',
    target: '/member',
  },
  {
    click: '#saved',
    file: 'my notes.txt',
    content: 'notes',
    target: '/notes.txt',
  },
  { click: '#send', file: 'form12.dat', content: 'form12', target: '/form' },
  {
    click: '#chain',
    file: 'chained.pdf',
    content: 'chained',
    target: '/hop?to=1',
  },
  {
    click: '#foreign',
    file: 'foreign.pdf',
    content: 'foreign',
    target: '/attachment?of=foreign',
  },
  {
    click: '#chainforeign',
    file: 'away.pdf',
    content: 'away',
    target: '/away',
  },
];

test('every kind of download becomes one at the place, and can be taken when its server is gone', async ({
  ana,
  extension,
  origin,
  page,
}) => {
  await page.goto(`${origin.url}/page`);

  for (const one of CASES) {
    await page.click(one.click);
    await ana.until('/v1/jobs', (jobs) => jobs.length === CASES.indexOf(one) + 1);
    expect(page.url(), 'the page stays').toBe(`${origin.url}/page`);
  }
  await done(ana, CASES.length);
  await origin.ask('stop');

  for (const one of CASES)
    expect(await taken(ana, one.file), one.file).toBe(await origin.digest(one.content));
  expect(await extension.downloads(), 'nothing is left to the browser').toEqual([]);
  await origin.ask('start');
});
