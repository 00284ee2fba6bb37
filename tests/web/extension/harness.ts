// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import {
  chromium,
  test as base,
  expect,
  type BrowserContext,
  type Page,
  type Worker,
} from '@playwright/test';
import { Bed, enter, Person } from '../harness';

export { expect };

type Answer = Record<string, any>;

/** One request as the content server saw it; `sent`: bytes of the body that it could write. */
export interface Noted {
  method: string;
  target: string;
  host: string;
  cookie: string;
  referer: string;
  agent: string;
  body: string;
  sent: number;
}

/** The content server (origin.py): one server under two names, so that there are two sites. */
export class Origin {
  url = '';
  other = '';
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    this.#process = spawn('/usr/bin/python3', [fileURLToPath(new URL('origin.py', import.meta.url))], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async begin(): Promise<void> {
    Object.assign(this, JSON.parse((await this.#lines.next()).value as string) as object);
  }

  async ask(what: string, given: Answer = {}): Promise<Answer> {
    this.#process.stdin.write(JSON.stringify({ do: what, ...given }) + '\n');
    return JSON.parse((await this.#lines.next()).value as string) as Answer;
  }

  /** All that was asked for at a target that begins like this. */
  async book(target: string): Promise<Noted[]> {
    const { book } = await this.ask('book');
    return (book as Noted[]).filter((one) => one.target.startsWith(target));
  }

  async digest(name: string): Promise<string> {
    return String((await this.ask('digest', { name }))['sha256']);
  }

  end(): void {
    this.#process.stdin.end();
  }
}

/** A Chromium with the extension, and what a test may ask the extension for. */
export class Extension {
  #control: Page | undefined;

  constructor(
    readonly context: BrowserContext,
    readonly id: string,
    readonly profile: string,
  ) {}

  /** Files of the extension's own storage in the profile that have this text in them; how many were read. */
  async keptWith(text: string): Promise<{ found: string[]; read: number }> {
    const found: string[] = [];
    let read = 0;
    for (const store of ['IndexedDB', 'Local Extension Settings', 'Local Storage', 'Session Storage']) {
      const folder = join(this.profile, 'Default', store);
      for (const name of await readdir(folder, { recursive: true }).catch(() => [])) {
        const bytes = await readFile(join(folder, name)).catch(() => undefined);
        if (!bytes) continue;
        read += 1;
        if (bytes.includes(text) || bytes.includes(Buffer.from(text, 'utf16le')))
          found.push(join(store, name));
      }
    }
    return { found, read };
  }

  url(page: string): string {
    return `chrome-extension://${this.id}/${page}`;
  }

  /** A page of the extension that is nobody's: it asks as popup and options do. */
  async #page(): Promise<Page> {
    if (!this.#control || this.#control.isClosed()) {
      this.#control = await this.context.newPage();
      await this.#control.goto(this.url('icons/restante-48.png'));
    }
    return this.#control;
  }

  /** As the extension's pages ask it (web/extension/src/common/messages.ts). Throws the trouble. */
  async ask(what: Answer): Promise<any> {
    const page = await this.#page();
    const reply = await page.evaluate((asked) => (globalThis as any).chrome.runtime.sendMessage(asked), what);
    if (reply?.trouble) throw new Error(`${reply.trouble.reason}: ${reply.trouble.message}`);
    return reply?.answer;
  }

  state(): Promise<any> {
    return this.ask({ do: 'state' });
  }

  async set(changed: Answer): Promise<void> {
    const { settings } = await this.state();
    await this.ask({ do: 'set', settings: { ...settings, ...changed } });
  }

  /** The options of the beginning. */
  async reset(): Promise<void> {
    const page = await this.#page();
    await page.evaluate(() => (globalThis as any).chrome.storage.local.remove('settings'));
  }

  /** The background; begun again by the browser if it was stopped. */
  async worker(): Promise<Worker> {
    return this.context.serviceWorkers()[0] ?? (await this.context.waitForEvent('serviceworker'));
  }

  /** Downloads that the browser knows of. */
  async downloads(): Promise<Answer[]> {
    const page = await this.#page();
    return page.evaluate(() => (globalThis as any).chrome.downloads.search({}));
  }

  async forgetDownloads(): Promise<void> {
    const page = await this.#page();
    await page.evaluate(() => (globalThis as any).chrome.downloads.erase({}));
  }

  /** Somebody chose an entry of the context menu: native menus cannot be clicked here, the extension's listener runs all the same. */
  async menu(chosen: object): Promise<void> {
    const worker = await this.worker();
    await worker.evaluate(
      (info) =>
        (globalThis as any).chrome.contextMenus.onClicked.dispatch(info, {
          id: -1,
        }),
      chosen,
    );
  }

  /** By the browser's own book, which decides where an event goes; reading it wakes nobody. */
  async #backgrounds(): Promise<string[]> {
    const page = await this.#page();
    const contexts: Answer[] = await page.evaluate(() =>
      (globalThis as any).chrome.runtime.getContexts({ contextTypes: ['BACKGROUND'] }),
    );
    return contexts.map((one) => String(one['contextId']));
  }

  /** The browser ends it, as it does after 30 s without events. */
  async stop(): Promise<void> {
    const browser = this.context.browser();
    const session = browser
      ? await browser.newBrowserCDPSession()
      : await this.context.newCDPSession(await this.#page());
    const running = await this.#backgrounds();
    const { targetInfos } = (await session.send('Target.getTargets')) as { targetInfos: Answer[] };
    for (const target of targetInfos)
      if (target['type'] === 'service_worker' && String(target['url']).includes(this.id))
        await session.send('Target.closeTarget', { targetId: String(target['targetId']) });
    await session.detach();
    // Closing is only begun by then: what is clicked meanwhile would be told to the one that ends, and be lost with it. The next one
    // may run already; it has the same target.
    await expect
      .poll(async () => (await this.#backgrounds()).filter((id) => running.includes(id)))
      .toEqual([]);
  }
}

export async function launch(folder: string, options: { args?: string[] } = {}): Promise<Extension> {
  const built =
    process.env['RESTANTE_EXTENSION'] ?? fileURLToPath(new URL('../../../build/extension', import.meta.url));
  const path = join(built, 'chromium');
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: '/usr/bin/chromium',
    headless: true,
    locale: 'en-GB',
    args: [
      '--no-sandbox',
      `--disable-extensions-except=${path}`,
      `--load-extension=${path}`,
      ...(options.args ?? []),
    ],
  });
  const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker'));
  return new Extension(context, new URL(worker.url()).host, folder);
}

interface TestFixtures {
  /** A user of this test alone, whom the extension is connected to; it sends without asking. */
  ana: Person;
  page: Page;
}

interface WorkerFixtures {
  bed: Bed;
  origin: Origin;
  extension: Extension;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  bed: [
    async ({}, use) => {
      const bed = new Bed();
      await bed.begin();
      await use(bed);
      await bed.end();
    },
    { scope: 'worker', timeout: 180_000 },
  ],
  origin: [
    async ({}, use) => {
      const origin = new Origin();
      await origin.begin();
      await use(origin);
      origin.end();
    },
    { scope: 'worker' },
  ],
  extension: [
    async ({}, use) => {
      const folder = await mkdtemp(join(tmpdir(), 'restante-extension-'));
      const extension = await launch(folder);
      await use(extension);
      await extension.context.close();
      await rm(folder, { recursive: true, force: true });
    },
    { scope: 'worker', timeout: 180_000 },
  ],
  ana: async ({ bed, extension, playwright }, use) => {
    const { name, password, connect } = await bed.ask('user');
    const request = await playwright.request.newContext();
    const person = new Person(
      bed,
      String(name),
      String(password),
      request,
      await enter(bed, request, String(connect)),
    );
    await extension.reset();
    const again = await bed.ask('connect', { name });
    await extension.ask({ do: 'connect', address: String(again['connect']) });
    await extension.set({
      mode: 'send',
      capture: 'always',
      whenDown: 'browser',
    });
    await use(person);
    const state = await extension.state();
    for (const one of state.asked) await extension.ask({ do: 'drop', id: one.id });
    for (const one of state.waiting) await extension.ask({ do: 'forget', id: one.id });
    for (const one of state.places) await extension.ask({ do: 'disconnect', place: one.jkt });
    await request.dispose();
  },
  page: async ({ extension }, use) => {
    const page = await extension.context.newPage();
    await use(page);
    await page.close();
  },
});

/** All downloads, when there are that many and all have ended well. */
export async function done(ana: Person, count: number): Promise<Answer[]> {
  const ended = await ana.until(
    '/v1/jobs?limit=100',
    (jobs: Answer[]) => jobs.length >= count && jobs.every((job) => !LIVE.includes(String(job['state']))),
  );
  const badly = (ended as Answer[])
    .filter((job) => job['state'] !== 'done')
    .map((job) => `${job['name']}: ${job['reason']} ${job['message']}`);
  expect(badly, 'downloads that did not end well').toEqual([]);
  return ended as Answer[];
}
const LIVE = ['scheduled', 'waiting', 'running', 'verifying', 'publishing'];

/** SHA-256 of what the place hands out under a file's name. */
export async function taken(ana: Person, file: string): Promise<string> {
  const files = (await ana.read('/v1/files')) as Answer[];
  const one = files.find((each) => each['name'] === file);
  expect(one, `${file} among ${files.map((each) => each['name']).join(', ')}`).toBeTruthy();
  const answer = await ana.request.get(`${ana.bed.place}/v1/files/${one!['id']}`, {
    headers: { Authorization: `Bearer ${ana.token}` },
  });
  return createHash('sha256')
    .update(await answer.body())
    .digest('hex');
}
