// SPDX-License-Identifier: Apache-2.0
import { Problem, type Schemas } from '@restante/sdk';
import { api, done, place } from '../../lib/place';
import type { When } from './plan.svelte';
import type { Shelf } from './shelf.svelte';

export interface Source {
  url: string;
  cred?: string[];
  request?: { headers?: [string, string][] };
}

export interface WantedFile {
  name?: string;
  path?: string;
  digest?: Record<string, string>;
  sources: Source[];
}

interface Credential {
  id: string;
  kind: string;
  scope: string[];
}

/** The parts of a request that a person changes here; contract/proxy.schema.json has all of it. */
export interface Core {
  id?: string;
  what: { title?: string; folder?: string; files: WantedFile[] };
  access?: Credential[];
  when?: object;
}

type Said = Schemas['Understood'];
export type Secret = Said['requests'][number]['secrets'][number];
export type Wanted = Omit<Said['requests'][number], 'core'> & { core: Core };

export type Looked =
  | { state: 'not yet' | 'asking' }
  | { state: 'known'; files: { index: number; probe: Schemas['Probe'] }[] }
  | { state: 'failed'; problem: unknown };

/** How to sign in at the server that has the file; empty texts: nothing is said. */
export interface SignIn {
  how: 'none' | 'password' | 'key' | 'header';
  user: string;
  /** The password, the key, or the header's value. */
  secret: string;
  /** The header's name. */
  header: string;
}

/** What is said of all that is sent together. */
export interface Wish {
  name: string;
  folder: string;
  checksum: string;
  signIn: SignIn;
  when: When | undefined;
}

/** Most files that are looked at beforehand; the place looks at the others when they run. */
const mostLooks = 8;

/** One request of those that were understood. */
export class Found {
  chosen = $state(true);
  looked = $state.raw<Looked>({ state: 'not yet' });
  /** What was wrong with it when it was sent. */
  problem = $state.raw<Problem>();
  /** What its address offers, once that was looked at. */
  shelf = $state.raw<Shelf>();
  readonly request: Wanted;

  constructor(request: Wanted) {
    this.request = request;
  }

  /** How many files it brings: those that are ticked, else its own. */
  get count(): number {
    return this.shelf?.ticked.size || this.request.core.what.files.length;
  }

  /** It is one address: a page or a folder may be there. */
  get browsable(): boolean {
    const [file, ...others] = this.request.core.what.files;
    return others.length === 0 && file?.sources.length === 1;
  }

  /** It seems to have more than itself: a web page, a Metalink, a folder of a file server. */
  get offers(): boolean {
    const { looked } = this;
    const url = this.request.core.what.files[0]?.sources[0]?.url ?? '';
    if (!this.browsable || looked.state === 'not yet' || looked.state === 'asking') return false;
    if (/^(?:ftps?|sftp):.*\/$/i.test(url)) return true;
    const probe = looked.state === 'known' ? looked.files[0]?.probe : undefined;
    if (!probe || probe.refused) return false;
    return probe.web_page || /^(?:text\/html|application\/(?:xhtml|metalink))/.test(probe.media_type);
  }

  /** What is handed in for it. */
  get cores(): Core[] {
    return this.shelf?.ticked.size ? this.shelf.cores() : [this.request.core];
  }

  /** Where it comes from: the first source of each file. */
  get origins(): string[] {
    const all = this.request.core.what.files.map((file) => originOf(file.sources[0]?.url ?? ''));
    return [...new Set(all)];
  }
}

/** "https://host:port" as scopes say it; empty: not an address. */
export function originOf(url: string): string {
  try {
    const { origin, protocol, host } = new URL(url);
    // Browsers know no origin of "sftp:" and "ftps:".
    return origin === 'null' ? `${protocol}//${host}` : origin;
  } catch {
    return '';
  }
}

/** The server's name for people. */
export function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

const digests: Record<number, string> = { 32: 'md5', 40: 'sha', 64: 'sha-256', 128: 'sha-512' };

/** The algorithm whose checksums are so long; undefined: none is. */
export function digestOf(checksum: string): { algorithm: string; hex: string } | undefined {
  const hex = checksum
    .replace(/^[\w-]+[:=]/, '')
    .replace(/\s/g, '')
    .toLowerCase();
  const algorithm = digests[hex.length];
  return algorithm && /^[0-9a-f]+$/.test(hex) ? { algorithm, hex } : undefined;
}

function credentialOf(signIn: SignIn, origin: string): (Credential & Record<string, unknown>) | undefined {
  const made = { id: 'typed', scope: [origin] };
  if (signIn.how === 'password' && (signIn.user || signIn.secret))
    return { ...made, kind: 'basic', user: signIn.user, password: signIn.secret };
  if (signIn.how === 'key' && signIn.secret) return { ...made, kind: 'bearer', token: signIn.secret };
  if (signIn.how === 'header' && signIn.header)
    return { ...made, kind: 'headers', headers: [[signIn.header.trim(), signIn.secret]] };
  return undefined;
}

/** A request with what the person said beside it. What is typed goes before what was pasted. */
export function complete(core: Core, wish: Wish, origin: string): Core {
  const made = structuredClone(core);
  if (wish.folder) made.what.folder = wish.folder;
  for (const file of made.what.files) {
    if (wish.name) file.name = wish.name;
    const digest = digestOf(wish.checksum);
    if (digest) file.digest = { [digest.algorithm]: digest.hex };
  }
  if (wish.when) made.when = wish.when;
  const credential = credentialOf(wish.signIn, origin);
  if (!credential) return made;
  const outdone = (made.access ?? [])
    .filter((one) => ['basic', 'bearer', 'digest'].includes(one.kind) && one.scope.includes(origin))
    .map((one) => one.id);
  const replaced = credential.kind === 'headers' ? [] : outdone;
  // What no file needs stays here.
  const needed = made.what.files.some((file) => file.sources.some((one) => originOf(one.url) === origin));
  if (!needed) return made;
  made.access = [...(made.access ?? []).filter((one) => !replaced.includes(one.id)), credential];
  for (const file of made.what.files)
    for (const source of file.sources) {
      const kept = (source.cred ?? []).filter((one) => !replaced.includes(one));
      source.cred = originOf(source.url) === origin ? [...kept, credential.id] : kept;
      if (source.cred.length === 0) delete source.cred;
    }
  return made;
}

/** What became of one request. */
export type Sent = { name: string; job?: Schemas['Job']; problem?: Problem };

/** What a person is making: what was pasted, what the place understood and saw. Forgotten when it was sent. */
export class Draft {
  kind = $state('');
  found = $state.raw<Found[]>([]);
  leftOut = $state.raw<Said['left_out']>([]);
  asking = $state(false);
  #turn = 0;

  get chosen(): Found[] {
    return this.found.filter((one) => one.chosen);
  }

  /** The one server of all that is chosen; undefined: there are several, or none. */
  get origin(): string | undefined {
    const all = new Set(this.chosen.flatMap((one) => one.origins));
    const [only] = all;
    return all.size === 1 && only ? only : undefined;
  }

  forget(): void {
    this.#turn += 1;
    this.kind = '';
    this.found = [];
    this.leftOut = [];
    this.asking = false;
  }

  /** Asks the place what this is. Throws the problem; a later call makes an earlier one void. */
  async understand(given: string | Blob): Promise<void> {
    this.forget();
    const turn = this.#turn;
    this.asking = true;
    try {
      const request = new Request(new URL('/v1/compose', location.origin), {
        method: 'POST',
        headers: { 'Content-Type': 'application/octet-stream' },
        body: given,
        cache: 'no-store',
      });
      const response = await place.send(request);
      if (!response.ok) throw await Problem.from(response);
      const understood = (await response.json()) as Said;
      if (turn !== this.#turn) return;
      this.kind = understood.kind;
      this.found = understood.requests.map((one) => new Found(one as object as Wanted));
      this.leftOut = understood.left_out;
    } finally {
      if (turn === this.#turn) this.asking = false;
    }
  }

  /** Lets the place look what is there, one after the other; the person goes on meanwhile. */
  async look(wish: Wish, which: Found[] = this.found.slice(0, mostLooks)): Promise<void> {
    const turn = this.#turn;
    for (const found of which) found.looked = { state: 'asking' };
    for (const found of which) {
      const core = complete(found.request.core, { ...wish, when: undefined }, this.origin ?? '');
      try {
        const files = await probe(core);
        if (turn === this.#turn) found.looked = { state: 'known', files };
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        if (turn === this.#turn) found.looked = { state: 'failed', problem };
      }
      if (turn !== this.#turn) return;
    }
  }

  /** Hands in what is chosen. Throws the problem of a single one; of several each keeps its own. */
  async send(wish: Wish): Promise<Sent[]> {
    const chosen = this.chosen;
    const wanted = chosen.flatMap((found) => {
      const named = found.request.name || found.request.url;
      return found.cores.map((core) => ({ found, name: core.what.title || named, core }));
    });
    const lines = wanted.map(({ core }) => JSON.stringify(complete(core, wish, this.origin ?? '')));
    const [only, line] = [wanted[0], lines[0]];
    if (!only || line === undefined) return [];
    if (wanted.length === 1)
      return [{ name: only.name, job: (await hand('application/json', line)) as Sent['job'] & {} }];
    const said = String(await hand('application/jsonl', lines.join('\n') + '\n'));
    const results = said
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Result);
    return wanted.map(({ found, name }, index) => {
      const result = results[index];
      if (result?.job) return { name, job: result.job };
      const error = result?.error;
      found.problem = new Problem({ ...error, detail: error?.message ?? '' } as object, 400);
      return { name, problem: found.problem };
    });
  }
}

interface Result {
  job?: NonNullable<Sent['job']>;
  error?: { type: string; reason: string; message: string; hint: string; pointer?: string };
}

async function hand(type: string, body: string): Promise<unknown> {
  const request = new Request(new URL('/v1/proxies', location.origin), {
    method: 'POST',
    headers: { 'Content-Type': type },
    body,
    cache: 'no-store',
  });
  const response = await place.send(request);
  if (!response.ok) throw await Problem.from(response);
  return type === 'application/json' ? response.json() : response.text();
}

async function probe(core: Core): Promise<(Looked & { state: 'known' })['files']> {
  return (await done(api.POST('/v1/probe', { body: core as object as Record<string, never> }))).files;
}
