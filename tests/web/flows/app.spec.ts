// SPDX-License-Identifier: Apache-2.0
// The app's own files as the place gives them out, and the policy of its page.
import { createHash } from 'node:crypto';
import { expect, test } from '../harness';

test('the app comes packed, is kept by browsers, and is not sent twice', async ({ bed, playwright }) => {
  const plain = await playwright.request.newContext({ extraHTTPHeaders: { 'Accept-Encoding': 'identity' } });
  const packed = await playwright.request.newContext({ extraHTTPHeaders: { 'Accept-Encoding': 'gzip' } });
  const page = await plain.get(`${bed.place}/downloads`);
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(await page.text())?.[1] ?? '';

  const whole = await plain.get(bed.place + script);
  const small = await packed.get(bed.place + script);
  const again = await packed.get(bed.place + script, { headers: { 'If-None-Match': small.headers()['etag'] ?? '' } });
  const gone = await packed.get(`${bed.place}/assets/index-00000000.js`);

  expect(page.headers()['cache-control']).toBe('no-cache');
  expect(page.headers()['content-security-policy']).toContain("default-src 'none'; script-src 'self';");
  expect(whole.headers()['cache-control']).toBe('public, max-age=31536000, immutable');
  expect(whole.headers()['content-encoding']).toBeUndefined();
  expect(small.headers()['content-encoding']).toBe('gzip');
  expect(createHash('sha256').update(await small.body()).digest('hex')).toBe(
    createHash('sha256').update(await whole.body()).digest('hex'),
  );
  expect(again.status()).toBe(304);
  expect(gone.status()).toBe(401);
  await plain.dispose();
  await packed.dispose();
});

test('the text of strangers becomes no script and no HTML in the page', async ({ context, bed }) => {
  const page = await context.newPage(); // what is refused is told in its console
  await page.goto(`${bed.place}/sign-in`);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();

  const ran = await page.evaluate(() => {
    const faults: string[] = [];
    const attempt = (name: string, act: () => unknown) => {
      try {
        act();
      } catch {
        faults.push(name);
      }
    };
    attempt('html', () => (document.body.appendChild(document.createElement('p')).innerHTML = '<img src=x onerror=hit=1>'));
    attempt('address', () => (document.createElement('script').src = '/assets/x.js'));
    attempt('policy', () => (globalThis as any).trustedTypes.createPolicy('another', {}));
    return { faults, hit: 'hit' in globalThis };
  });

  expect(ran).toEqual({ faults: ['html', 'address', 'policy'], hit: false });
  expect((await page.request.get(`${bed.place}/v1/session`)).status()).toBe(401);
});

test('the first load is small', async ({ page, ana }) => {
  await page.goto('/downloads');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Downloads');
  await ana.read('/v1/session');

  const came = await page.evaluate(() =>
    [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
      .map((one) => one as PerformanceResourceTiming)
      .filter((one) => !new URL(one.name).pathname.startsWith('/v1/'))
      .map((one) => ({ path: new URL(one.name).pathname, bytes: one.encodedBodySize })),
  );
  const bytes = came.reduce((sum, one) => sum + one.bytes, 0);

  // What the browser got, packed: the page, its scripts, styles and pictures.
  expect(came.length).toBeGreaterThan(5);
  expect(bytes, JSON.stringify(came)).toBeLessThanOrEqual(60_000);
});
