// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import {
  test as base,
  expect,
  type APIRequestContext,
  type BrowserContext,
  type Page,
} from '@playwright/test';

export { expect };

/** What a flow may ask the world for; see bed.py. */
type Answer = Record<string, any>;

/** The content server, the place and the mail server of one test worker, all real (bed.py). */
export class Bed {
  place = '';
  content = '';
  admin = '';
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  #turn: Promise<unknown> = Promise.resolve();

  constructor() {
    this.#process = spawn('/usr/bin/python3', [fileURLToPath(new URL('bed.py', import.meta.url))], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines: Interface = createInterface({ input: this.#process.stdout });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  async begin(): Promise<void> {
    const line = await this.#lines.next();
    if (line.done) throw new Error('the bed did not start');
    Object.assign(this, JSON.parse(line.value) as object);
  }

  /** One thing at a time; throws what went wrong over there. */
  ask(what: string, given: Answer = {}): Promise<Answer> {
    const answer = this.#turn.then(async () => {
      this.#process.stdin.write(JSON.stringify({ do: what, ...given }) + '\n');
      const line = await this.#lines.next();
      if (line.done) throw new Error('the bed ended');
      const said = JSON.parse(line.value) as Answer;
      if (said['error']) throw new Error(String(said['error']));
      return said;
    });
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  async publish(name: string, size = 300_000): Promise<{ url: string; sha256: string }> {
    return (await this.ask('publish', { name, size })) as { url: string; sha256: string };
  }

  async end(): Promise<void> {
    const ended = new Promise((done) => this.#process.once('exit', done));
    this.#process.stdin.end();
    await ended;
  }
}

export interface CallOptions {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A person with an account, seen from outside the browser: what every flow reads in the end. */
export class Person {
  constructor(
    readonly bed: Bed,
    readonly name: string,
    readonly password: string,
    readonly request: APIRequestContext,
    readonly token: string,
  ) {}

  async call(
    path: string,
    options: CallOptions = {},
  ): Promise<{ status: number; body: any; headers: Record<string, string> }> {
    const answer = await this.request.fetch(this.bed.place + path, {
      method: options.method ?? 'GET',
      headers: { Authorization: `Bearer ${this.token}`, ...options.headers },
      maxRedirects: 0,
      ...(options.body === undefined ? {} : { data: options.body }),
    });
    const text = await answer.text();
    let body: unknown = text;
    if (/\bjson\b/.test(answer.headers()['content-type'] ?? '')) body = JSON.parse(text);
    return { status: answer.status(), body, headers: answer.headers() };
  }

  /** The body of a GET that has to work. */
  async read(path: string): Promise<any> {
    const { status, body } = await this.call(path);
    expect(status, `GET ${path}: ${JSON.stringify(body)}`).toBe(200);
    return body;
  }

  /** Asks again until `is` holds of what GET `path` says; returns that. */
  async until(path: string, is: (body: any) => boolean): Promise<any> {
    let last: any;
    await expect
      .poll(async () => is((last = await this.read(path))), { message: `GET ${path}`, timeout: 60_000 })
      .toBe(true);
    return last;
  }

  /** Hands in a request without the page: a download of `url`; returns what the place said of it. */
  async send(url: string, more: Answer = {}): Promise<any> {
    const { jkt } = await this.read('/.well-known/restante');
    const now = Math.floor(Date.now() / 1000);
    const { what = {}, ...rest } = more;
    const core = {
      v: 1,
      id: crypto.randomUUID(),
      aud: [{ jkt }],
      iat: now,
      exp: now + 86_400 * 30,
      what: { files: [{ sources: [{ url }] }], ...what },
      ...rest,
    };
    const { status, body } = await this.call('/v1/proxies', { method: 'POST', body: core });
    expect(status, JSON.stringify(body)).toBe(202);
    return body;
  }

  /** The same, and waits until it has ended well. */
  async have(url: string, more: Answer = {}): Promise<any> {
    const { id } = await this.send(url, more);
    return this.until(`/v1/jobs/${id}`, (job) => job.state === 'done');
  }
}

export async function enter(bed: Bed, request: APIRequestContext, connect: string): Promise<string> {
  const code = new URLSearchParams(new URL(connect).hash.slice(1)).get('c');
  const answer = await request.post(`${bed.place}/v1/session`, { data: { code } });
  expect(answer.status(), await answer.text()).toBe(201);
  return ((await answer.json()) as { token: string }).token;
}

/** Makes a browser one of the person's: its pages are signed in. */
export async function signIn(bed: Bed, context: BrowserContext, name: string): Promise<void> {
  const { connect } = await bed.ask('connect', { name });
  const code = new URLSearchParams(new URL(String(connect)).hash.slice(1)).get('c');
  const answer = await context.request.post(`${bed.place}/v1/session`, {
    data: { code, cookie: true },
    headers: { Origin: bed.place },
  });
  expect(answer.status(), await answer.text()).toBe(201);
}

interface TestFixtures {
  /** A user of this test alone, with nothing yet. The test's pages are signed in as this user. */
  ana: Person;
  /** The place's admin; `asAdmin` signs the test's pages in. */
  olga: Person;
  asAdmin: Page;
}

interface WorkerFixtures {
  bed: Bed;
}

/** The test's own user is signed in in `page` when it asks for `ana`. Scripts that throw or log errors fail the test. */
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
  baseURL: async ({ bed }, use) => use(bed.place),
  ana: async ({ bed, playwright, context }, use) => {
    const { name, password, connect } = await bed.ask('user');
    const request = await playwright.request.newContext();
    const person = new Person(
      bed,
      String(name),
      String(password),
      request,
      await enter(bed, request, String(connect)),
    );
    await signIn(bed, context, person.name);
    await use(person);
    await request.dispose();
  },
  olga: async ({ bed, playwright }, use) => {
    const { connect } = await bed.ask('connect', { name: bed.admin });
    const request = await playwright.request.newContext();
    await use(
      new Person(
        bed,
        bed.admin,
        'correct horse battery',
        request,
        await enter(bed, request, String(connect)),
      ),
    );
    await request.dispose();
  },
  asAdmin: async ({ bed, page, context }, use) => {
    await signIn(bed, context, bed.admin);
    await use(page);
  },
  page: async ({ page }, use) => {
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => {
      // A refused call is told by the browser too; that the page says it is the test's business.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        faults.push(message.text());
    });
    page.on('dialog', (dialog) => {
      if (dialog.type() !== 'beforeunload') faults.push(`dialog: ${dialog.message()}`);
      void dialog.accept();
    });
    await use(page);
    expect(faults, 'errors in the page').toEqual([]);
  },
});
