// SPDX-License-Identifier: Apache-2.0
import type { Locator, Page } from '@playwright/test';
import { fitForEverybody } from '../everybody';
import { expect, test } from '../harness';

const ask = (page: Page): Locator => page.getByLabel('Paste a link, or drop anything');
const send = (page: Page): Promise<void> => page.getByRole('button', { name: /^Send/ }).click();
const sent = (page: Page): Promise<void> => page.getByRole('heading', { name: 'On its way' }).waitFor();

/** Puts a file on the page as a person drops it. */
async function drop(page: Page, name: string, text: string): Promise<void> {
  await ask(page).waitFor();
  await page.evaluate(
    ([called, content]) => {
      const data = new DataTransfer();
      data.items.add(new File([content ?? ''], called ?? ''));
      window.dispatchEvent(
        new DragEvent('drop', {
          dataTransfer: data,
          bubbles: true,
          cancelable: true,
        }),
      );
    },
    [name, text],
  );
}

/** Whether a text is anywhere in the page: its HTML, its fields, what it keeps. */
async function holds(page: Page, secret: string): Promise<boolean> {
  return page.evaluate((text) => {
    const fields = [...document.querySelectorAll('input, textarea')].map((one) => (one as HTMLInputElement).value);
    const kept = JSON.stringify({ ...localStorage, ...sessionStorage });
    return [document.documentElement.outerHTML, location.href, kept, ...fields].join('\n').includes(text);
  }, secret);
}

test('a pasted link is looked at, sent and fetched', async ({ page, ana, bed }) => {
  const { url, sha256 } = await bed.publish('pasted.bin', 300_000);
  await page.goto('/new');
  await fitForEverybody(page, 'new, empty');

  await ask(page).fill(url);
  await expect(page.getByText('293.0 KiB')).toBeVisible();
  await expect(page.getByText('can go on after a cut')).toBeVisible();
  await expect(page.getByText('Nobody is told how it went.')).toBeVisible();
  await fitForEverybody(page, 'new, looked at');
  await send(page);
  await sent(page);

  await fitForEverybody(page, 'new, sent');
  const [job] = await ana.until('/v1/jobs', (jobs) => jobs[0]?.state === 'done');
  const detail = await ana.read(`/v1/jobs/${job.id}`);
  expect(detail.name).toBe('pasted.bin');
  await ana.until('/v1/files', (files) => files[0]?.sha256 === sha256);
});

test('of several links those that are chosen are sent', async ({ page, ana, bed }) => {
  const links = await Promise.all(['one', 'two', 'three'].map((name) => bed.publish(`${name}.bin`, 20_000)));
  await page.goto('/new');

  await ask(page).fill(links.map((one) => one.url).join('\n'));
  await page.getByLabel('two.bin').uncheck();
  await fitForEverybody(page, 'new, several');
  await page.getByRole('button', { name: 'Send 2 requests' }).click();
  await sent(page);

  const jobs = await ana.until('/v1/jobs', (all) => all.every((one: any) => one.state === 'done'));
  expect(jobs.map((one: any) => one.name).sort()).toEqual(['one.bin', 'three.bin']);
});

test('the cookie of a curl command goes along and leaves the page', async ({ page, ana, bed }) => {
  const url = `${bed.content}/members`;
  await page.goto('/new');

  await ask(page).fill(`curl '${url}' -H 'accept: */*' -b 'sid=K4N4RY' --compressed`);
  await expect(page.getByText(/A cookie \(sid\) for .*: kept secret/)).toBeVisible();
  await fitForEverybody(page, 'new, with a secret');
  await send(page);
  await sent(page);

  expect(await holds(page, 'K4N4RY')).toBe(false);
  const [job] = await ana.until('/v1/jobs', (jobs) => jobs[0]?.state === 'done');
  expect(JSON.stringify(await ana.read(`/v1/jobs/${job.id}`))).not.toContain('K4N4RY');
  const [file] = await ana.read('/v1/files');
  expect(await ana.read(`/v1/files/${file.id}`)).toBe('for members');
});

test('a name and password are asked for, work, and leave the page', async ({ page, ana, bed }) => {
  const { url } = await bed.publish('private/report.bin', 20_000);
  await page.goto('/new');

  await ask(page).fill(url);
  await expect(page.getByText('The server asks for a name and password.')).toBeVisible();
  await fitForEverybody(page, 'new, sign-in needed');
  await page.getByLabel('How').selectOption('password');
  await page.getByLabel('Name', { exact: true }).first().fill('ana');
  await page.getByLabel('Password', { exact: true }).fill('open sesame');
  await send(page);
  await sent(page);

  expect(await holds(page, 'open sesame')).toBe(false);
  const [job] = await ana.until('/v1/jobs', (jobs) => jobs[0]?.state === 'done');
  expect(job.name).toBe('report.bin');
});

test('a server that forbids offers the fields for signing in', async ({ page, ana, bed }) => {
  await page.goto('/new');

  await ask(page).fill(`${bed.content}/members`);
  await expect(page.getByText(/The server did not give it: it is not allowed/)).toBeVisible();
  await expect(page.getByLabel('How')).toBeVisible();

  expect(await ana.read('/v1/jobs')).toEqual([]);
});

test('a file that is not there is told before it is sent', async ({ page, ana, bed }) => {
  await page.goto('/new');

  await ask(page).fill(`${bed.content}/missing`);
  await expect(page.getByText(/The server did not give it: it does not exist/)).toBeVisible();
  await fitForEverybody(page, 'new, refused at the first look');

  expect(await ana.read('/v1/jobs')).toEqual([]);
});

test('tonight is the night of the place, and both clocks are told', async ({ page, ana, bed }) => {
  const { url } = await bed.publish('tonight.bin', 20_000);
  await page.goto('/new');

  await ask(page).fill(url);
  await page.getByText('Tonight', { exact: true }).click();
  await expect(page.getByText(/01:00 at the place; that is .*02:00 where you are/)).toBeVisible();
  await send(page);
  await sent(page);

  const [job] = await ana.read('/v1/jobs');
  const next = new Date();
  next.setUTCHours(next.getUTCHours() < 1 ? 1 : 25, 0, 0, 0);
  expect(job.state).toBe('scheduled');
  expect(Date.parse(job.next_run)).toBe(next.getTime());
});

test('hours, an end and a folder are kept with the download', async ({ page, ana, bed }) => {
  const { url } = await bed.publish('between.bin', 20_000);
  const now = new Date();
  const clock = (hours: number) => new Date(now.getTime() + hours * 3_600_000).toISOString().slice(11, 16);
  await page.goto('/new');

  await ask(page).fill(url);
  await page.getByText('Only between', { exact: true }).click();
  await page.getByLabel('From').fill(clock(2));
  await page.getByLabel('Until').first().fill(clock(4));
  await page.getByLabel('Done by').fill('2126-11-28T12:00');
  await page.getByText('Folder, name, checksum').click();
  await page.getByLabel('Folder', { exact: true }).fill('Films/Old');
  await send(page);
  await sent(page);

  const [job] = await ana.read('/v1/jobs');
  expect(job.state).toBe('waiting');
  expect(job.when.windows).toEqual([{ from: clock(2), to: clock(4) }]);
  expect(job.when.by).toBe('2126-11-28T12:00:00+00:00[UTC]');
  expect(job.folder).toBe('Films/Old');
});

test('what has to be mended is told at its field, and nothing is sent', async ({ page, ana, bed }) => {
  const { url } = await bed.publish('mended.bin', 20_000);
  await page.goto('/new');
  await ask(page).fill(url);
  await page.getByText('At a time', { exact: true }).click();
  await page.getByText('Folder, name, checksum').click();
  await page.getByLabel('Checksum').fill('12ab');
  await send(page);

  await expect(page.getByText('Say when it begins.')).toBeVisible();
  await expect(page.getByLabel('Begins')).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByText(/This is no checksum/)).toBeVisible();
  await fitForEverybody(page, 'new, faults');
  await page.getByText('Now', { exact: true }).click();
  await page.getByLabel('Checksum').fill('');
  await page.getByLabel('Name', { exact: true }).fill('a/b');
  await send(page);
  await expect(page.getByLabel('Name', { exact: true })).toHaveAttribute('aria-invalid', 'true');
  expect(await ana.read('/v1/jobs')).toEqual([]);

  await page.getByLabel('Name', { exact: true }).fill('a b.bin');
  await send(page);
  await sent(page);
  await ana.until('/v1/files', (files) => files[0]?.name === 'a b.bin');
});

test('a checksum proves the file', async ({ page, ana, bed }) => {
  const { url, sha256 } = await bed.publish('proven.bin', 20_000);
  await page.goto('/new');

  await ask(page).fill(url);
  await page.getByText('Folder, name, checksum').click();
  await page.getByLabel('Checksum').fill(sha256.toUpperCase());
  await expect(page.getByText('This is a checksum of the kind SHA-256.')).toBeVisible();
  await send(page);
  await sent(page);

  await ana.until('/v1/files', (files) => files[0]?.verified === true && files[0].sha256 === sha256);
});

test('an address that another page made is shown, and nothing is asked or sent', async ({ page, ana, bed }) => {
  const { url } = await bed.publish('bookmarked.bin', 20_000);

  await page.goto(`/new#url=${encodeURIComponent(url)}`);
  await expect(page.getByText('Nothing is sent until you say so.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'See what is there' })).toBeVisible();
  await fitForEverybody(page, 'new, from another page');

  expect(page.url()).toBe(`${bed.place}/new`);
  expect(await ana.read('/v1/jobs')).toEqual([]);
  const { lines } = await bed.ask('requests');
  expect(lines.filter((line: string) => line.includes('bookmarked.bin'))).toEqual([]);
});

test('a Metalink that is dropped brings its files', async ({ page, ana, bed }) => {
  const { url, sha256 } = await bed.publish('linked.bin', 20_000);
  await page.goto('/new');

  await drop(
    page,
    'all.meta4',
    `<?xml version="1.0"?><metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="better.bin">
       <size>20000</size><hash type="sha-256">${sha256}</hash><url>${url}</url></file></metalink>`,
  );
  await expect(page.getByText('A Metalink with one file.')).toBeVisible();
  await send(page);
  await sent(page);

  await ana.until('/v1/files', (files) => files[0]?.name === 'better.bin' && files[0].verified);
});

test('a large recording of a browser is made small before it is read', async ({ page, ana, bed }) => {
  const { url } = await bed.publish('recorded.zip', 20_000);
  const entry = (address: string, type: string, text: string) => ({
    request: {
      method: 'GET',
      url: address,
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: [],
      queryString: [],
    },
    response: {
      status: 200,
      statusText: 'OK',
      headers: [{ name: 'Content-Type', value: type }],
      cookies: [],
      redirectURL: '',
      content: { size: 20_000, mimeType: type, text },
    },
  });
  const entries = [
    entry(`${bed.content}/index.html`, 'text/html', 'x'.repeat(3_000_000)),
    entry(url, 'application/zip', ''),
  ];
  await page.goto('/new');

  await page.locator('input[type=file]').setInputFiles({
    name: 'page.har',
    mimeType: 'application/json',
    buffer: Buffer.from(
      JSON.stringify({
        log: { version: '1.2', creator: { name: 'x', version: '1' }, entries },
      }),
    ),
  });
  await expect(page.getByText(/A recording of a browser/)).toBeVisible();
  await send(page);
  await sent(page);

  const [job] = await ana.until('/v1/jobs', (jobs) => jobs[0]?.state === 'done');
  expect(job.name).toBe('recorded.zip');
});

test('a hostile name is text on the page', async ({ page, ana, bed }) => {
  const name = '<img src=x onerror=alert(1)>.bin';
  await page.goto('/new');

  await ask(page).fill(`${bed.content}/attachment?${encodeURIComponent(name)}`);
  await expect(page.getByText('Report 2026.pdf')).toBeVisible();
  await page.getByText('Folder, name, checksum').click();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await send(page);
  await sent(page);

  await expect(page.getByRole('link', { name })).toBeVisible();
  expect(await page.locator('img[src=x]').count()).toBe(0);
  const [job] = await ana.read('/v1/jobs');
  expect(job.name).toContain('img src=x onerror=alert(1)');
});

test('every week is kept as a repetition', async ({ page, ana, bed }) => {
  const { url } = await bed.publish('weekly.bin', 20_000);
  await page.goto('/new');

  await ask(page).fill(url);
  await page.getByText('Tonight', { exact: true }).click();
  await page.getByLabel('Repeat').selectOption('week');
  // The day of the start is ticked already, whichever it is.
  for (const day of ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'])
    await page.getByLabel(day, { exact: true }).setChecked(day === 'Mon' || day === 'Thu');
  await page.getByLabel('Until').selectOption('times');
  await page.getByLabel('How often').fill('5');
  await fitForEverybody(page, 'new, repeated');
  await send(page);
  await sent(page);

  const jobs = await ana.read('/v1/jobs');
  expect(jobs[0].when.repeat).toBe('FREQ=WEEKLY;BYDAY=MO,TH;COUNT=5');
});

test('a request that was made before is read from its file', async ({ page, ana, bed }) => {
  const { url } = await bed.publish('made.bin', 20_000);
  const { jkt } = await ana.read('/.well-known/restante');
  const now = Math.floor(Date.now() / 1000);
  const core = {
    v: 1,
    id: crypto.randomUUID(),
    aud: [{ jkt }],
    iat: now,
    exp: now + 86_400,
    what: { files: [{ name: 'made before.bin', sources: [{ url }] }] },
    when: { start: '2126-11-28T01:00:00+00:00', tz: 'UTC' },
  };
  await page.goto('/new');

  await drop(page, 'made.restante', JSON.stringify(core));
  await expect(page.getByLabel('As it says itself')).toBeChecked();
  await fitForEverybody(page, 'new, made before');
  await send(page);
  await sent(page);

  const [job] = await ana.read('/v1/jobs');
  expect([job.name, job.state, job.next_run]).toEqual(['made before.bin', 'scheduled', '2126-11-28T01:00:00Z']);
});

// Kept out of the flows' time: what `holds` looks for would be found.
test('the search for secrets finds one that is there', async ({ page, ana }) => {
  await page.goto('/new');
  await ask(page).fill('K4N4RY');

  expect(await holds(page, 'K4N4RY')).toBe(true);
  expect((await ana.read('/v1/session')).account.name).toBe(ana.name);
});
