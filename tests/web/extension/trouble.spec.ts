// SPDX-License-Identifier: Apache-2.0
import { done, expect, taken, test } from './harness';

test('a place that is down leaves downloads to the browser', async ({
  ana,
  bed,
  extension,
  origin,
  page,
}) => {
  await page.goto(`${origin.url}/page`);
  await bed.ask('stop');

  await page.click('#attachment');
  await expect
    .poll(async () => (await extension.downloads()).map((one) => one['state']))
    .toEqual(['complete']);
  await expect.poll(() => page.url(), 'no page of an error stays').toBe(`${origin.url}/page`);
  await page.click('#plain');
  await expect
    .poll(async () => (await extension.downloads()).map((one) => one['state']))
    .toEqual(['complete', 'complete']);

  await bed.ask('start');
  expect(await ana.read('/v1/jobs')).toEqual([]);
  expect((await extension.state()).waiting).toEqual([]);
  await extension.forgetDownloads();
});

test('a place that is down gets the requests later, if the person wants that', async ({
  ana,
  bed,
  extension,
  origin,
  page,
}) => {
  await extension.set({ whenDown: 'wait' });
  await page.goto(`${origin.url}/page`);
  await bed.ask('stop');

  await page.click('#member');
  await expect.poll(async () => (await extension.state()).waiting.length).toBe(1);
  await page.click('#saved');
  await expect.poll(async () => (await extension.state()).waiting.length).toBe(2);
  expect(await extension.downloads()).toEqual([]);
  await bed.ask('start');
  await extension.ask({ do: 'flush' });

  await done(ana, 2);
  expect(await taken(ana, 'member.dat')).toBe(await origin.digest('member'));
  expect(await taken(ana, 'my notes.txt')).toBe(await origin.digest('notes'));
  expect((await extension.state()).waiting).toEqual([]);
});

test('what waits in this browser is kept without a secret that could be read', async ({
  ana,
  bed,
  extension,
  origin,
  page,
}) => {
  await extension.set({ whenDown: 'wait', night: '03:21' });
  await page.goto(`${origin.url}/page`);
  await bed.ask('stop');
  await page.click('#send');
  await expect.poll(async () => (await extension.state()).waiting.length).toBe(1);
  const token = String(await extension.ask({ do: 'token', place: (await extension.state()).places[0].jkt }));

  // The control: what is kept openly is found.
  await expect.poll(async () => (await extension.keptWith('03:21')).found.length).toBeGreaterThan(0);
  for (const secret of [
    'K4N4RY',
    'F%C3%BCr+alle',
    Buffer.from('week=12').toString('base64').slice(0, 9),
    token,
  ])
    expect((await extension.keptWith(secret)).found, secret.slice(0, 6)).toEqual([]);

  await bed.ask('start');
  await extension.ask({ do: 'flush' });
  await done(ana, 1);
});

test('what waits in this browser has a bound, and beyond it somebody is told', async ({
  ana,
  bed,
  extension,
}) => {
  const { places } = await extension.state();
  const wish = { place: places[0].jkt, when: { kind: 'now' } };
  await bed.ask('stop');
  for (let sent = 0; sent < 256; sent += 32)
    await Promise.all(
      Array.from({ length: 32 }, (_, one) =>
        extension.ask({ do: 'send', url: `http://127.0.0.1:9/${sent + one}.bin`, wish }),
      ),
    );

  await expect(extension.ask({ do: 'send', url: 'http://127.0.0.1:9/more.bin', wish })).rejects.toThrow(
    /Too many/,
  );

  const { waiting } = await extension.state();
  expect(waiting).toHaveLength(256);
  await bed.ask('start');
  await extension.ask({ do: 'forget', id: waiting[0].id });
  await extension.ask({ do: 'send', url: 'http://127.0.0.1:9/more.bin', wish });
  expect(await ana.read('/v1/jobs')).toHaveLength(1);
});

test('a background that was stopped is woken by a download, and knows what it kept', async ({
  ana,
  bed,
  extension,
  origin,
  page,
}) => {
  await extension.set({ whenDown: 'wait' });
  await page.goto(`${origin.url}/page`);
  await bed.ask('stop');
  await page.click('#attachment');
  await expect.poll(async () => (await extension.state()).waiting.length).toBe(1);

  await extension.stop();
  await bed.ask('start');
  await page.click('#member');
  await ana.until('/v1/jobs', (jobs) => jobs.length >= 1);
  await extension.stop();
  await page.click('#send');
  await ana.until('/v1/jobs', (jobs) => jobs.length >= 2);
  await extension.ask({ do: 'flush' });

  await done(ana, 3);
  for (const [file, content] of Object.entries({
    'report.pdf': 'report',
    'member.dat': 'member',
    'form12.dat': 'form12',
  }))
    expect(await taken(ana, file)).toBe(await origin.digest(content));
  expect(await extension.downloads()).toEqual([]);
});

test('a place that does not know this browser any more: the request waits, and goes when it is connected again', async ({
  ana,
  bed,
  extension,
  origin,
  page,
}) => {
  await page.goto(`${origin.url}/page`);
  const { devices } = await ana.read('/v1/devices');
  for (const device of devices) await ana.call(`/v1/devices/${device.id}`, { method: 'DELETE' });

  await page.click('#attachment');

  await expect
    .poll(async () => (await extension.state()).waiting.map((one: any) => one.refused))
    .toEqual(['unknown-device']);
  expect((await extension.state()).places[0].ended).toBe(true);
  const { connect } = await bed.ask('connect', { name: ana.name });
  await extension.ask({ do: 'connect', address: String(connect) });
  await done(ana, 1);
  expect(await taken(ana, 'report.pdf')).toBe(await origin.digest('report'));
  expect((await extension.state()).waiting).toEqual([]);
});

test('a connecting address that was used, is wrong, or is from another place tells so and connects nothing', async ({
  ana,
  bed,
  extension,
}) => {
  const { places } = await extension.state();
  const used = String((await bed.ask('connect', { name: ana.name }))['connect']);
  await extension.ask({ do: 'connect', address: used });
  const fresh = String((await bed.ask('connect', { name: ana.name }))['connect']);
  const other = fresh.replace(/k=[^&]{43}/, `k=${'A'.repeat(43)}`);

  await expect(extension.ask({ do: 'connect', address: used })).rejects.toThrow(/^(?!.*internal)/);
  await expect(extension.ask({ do: 'connect', address: other })).rejects.toThrow(
    /Another server answers there/,
  );
  await expect(extension.ask({ do: 'connect', address: 'https://home.example/' })).rejects.toThrow(
    /not a connecting address/,
  );

  expect((await extension.state()).places.map((one: any) => one.jkt)).toEqual(
    places.map((one: any) => one.jkt),
  );
  await extension.ask({ do: 'connect', address: fresh });
  expect((await ana.read('/v1/devices')).devices.length).toBeGreaterThan(0);
});

test('somebody is asked, and decides', async ({ ana, extension, origin, page }) => {
  await extension.set({ mode: 'ask' });
  await page.goto(`${origin.url}/page`);
  for (const link of ['#attachment', '#member', '#plain']) {
    await page.click(link);
    await expect
      .poll(async () => (await extension.state()).asked.length)
      .toBe(['#attachment', '#member', '#plain'].indexOf(link) + 1);
  }
  const { asked, places } = await extension.state();
  expect(asked.map((one: any) => one.name)).toEqual(['report.pdf', 'member.dat', 'plain.bin']);

  await extension.stop();
  const wish = {
    place: places[0].jkt,
    when: { kind: 'tonight' },
    name: 'tonight.pdf',
    folder: 'lectures/week 12',
  };
  await extension.ask({ do: 'choose', id: asked[0].id, wish });
  await extension.ask({ do: 'download-here', id: asked[1].id });
  await extension.ask({ do: 'drop', id: asked[2].id });

  const [job] = await ana.until('/v1/jobs', (jobs) => jobs.length === 1);
  expect(job.state).toBe('scheduled');
  expect(job.folder).toBe('lectures/week 12');
  expect(job.when.start).toContain('T02:00:00');
  await expect
    .poll(async () => (await extension.downloads()).map((one) => one['state']))
    .toEqual(['complete']);
  expect((await extension.state()).asked).toEqual([]);
  await extension.forgetDownloads();
});

test('whatever happens, each click is a download somewhere', async ({
  ana,
  bed,
  extension,
  origin,
  page,
}) => {
  test.setTimeout(360_000);
  const clicks = 24;
  let running = true;
  for (let i = 0; i < clicks; i += 1) {
    await extension.set({ whenDown: i % 2 ? 'browser' : 'wait' });
    if (i % 5 === 3) {
      await bed.ask(running ? 'stop' : 'start');
      running = !running;
    }
    if (i % 4 === 1) await extension.stop();
    // The extension may be bringing the page back that an answer of nobody took away.
    await expect(async () => void (await page.goto(`${origin.url}/page`))).toPass();
    await page.evaluate((of) => {
      const link = document.createElement('a');
      link.href = `/attachment?of=${of}`;
      document.body.prepend(link);
      link.click();
    }, `run${i}`);
    await expect.poll(async () => (await origin.book(`/attachment?of=run${i}`)).length).toBeGreaterThan(0);
  }
  if (!running) await bed.ask('start');
  await expect
    .poll(
      async () => {
        await extension.ask({ do: 'flush' });
        const jobs = (await ana.read('/v1/jobs?limit=100')).length;
        const { asked, waiting } = await extension.state();
        const here = (await extension.downloads()).length;
        return {
          sum: jobs + asked.length + waiting.length + here,
          waiting: waiting.length,
        };
      },
      { timeout: 90_000 },
    )
    .toEqual({ sum: clicks, waiting: 0 });
  await extension.forgetDownloads();
});
