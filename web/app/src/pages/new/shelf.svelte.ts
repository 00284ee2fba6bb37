// SPDX-License-Identifier: Apache-2.0
import { Problem, type Schemas } from '@restante/sdk';
import { api, done } from '../../lib/place';
import { words } from '../../words/browse';
import { originOf, type Core, type Source, type WantedFile } from './draft.svelte';

type Browsed = Schemas['Browsed'];
type Offer = Schemas['Offer'];

/** FORMATS.md §1.4. */
const mostFiles = 256;
/** Bytes of the files of one request as text: 256 KiB are taken, and what the place keeps is a little longer. */
const mostBytes = 130 * 1024;
/** Code points of a title: 512 bytes are taken. */
const longestTitle = 120;
/** So deep the place goes when it is to look into the folders below. */
export const deepest = 8;

/** Something that can be ticked, or looked into. */
export interface Row {
  /** What tells it from all others: its whole address. */
  key: string;
  offer: Offer;
  /** As it is to lie in the request; undefined: it can only be looked into. */
  file: WantedFile | undefined;
}

/** What one address offers. */
export interface View {
  kind: Browsed['kind'];
  title: string;
  source: Source;
  /** Where its files lie below the first address's. */
  prefix: string;
  depth: number;
  rows: Row[];
  leftOut: Browsed['left_out'];
  complete: boolean;
}

const encoder = new TextEncoder();

interface Ticked {
  file: WantedFile;
  bytes: number | undefined;
}

const joined = (...folders: (string | undefined)[]): string =>
  folders
    .map((one) => one?.replace(/^\/+|\/+$/g, '') ?? '')
    .filter(Boolean)
    .join('/');

/** A UUID of version 4; `crypto.randomUUID` is not there on a place without TLS. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** What a browser says of the page that a link stands on (strict-origin-when-cross-origin); empty: nothing. */
export function refererFor(page: string, link: string): string {
  try {
    const [from, to] = [new URL(page), new URL(link)];
    if (!/^https?:$/.test(from.protocol) || !/^https?:$/.test(to.protocol)) return '';
    if (from.protocol === 'https:' && to.protocol === 'http:') return '';
    if (from.origin !== to.origin) return `${from.origin}/`;
    from.hash = from.username = from.password = '';
    return from.href;
  } catch {
    return '';
  }
}

/** What the address of a request offers, and what of it is ticked. Nothing is handed in before the person says so. */
export class Shelf {
  views = $state.raw<View[]>([]);
  asking = $state(false);
  problem = $state.raw<Problem>();
  ticked = $state.raw<ReadonlyMap<string, Ticked>>(new Map());
  readonly #core: Core;
  readonly #dress: (core: Core) => Core;
  readonly #ids: string[];
  #turn = 0;

  /** `dress` adds what the person says beside it: how to sign in there. */
  constructor(core: Core, dress: (core: Core) => Core) {
    this.#core = core;
    this.#dress = dress;
    this.#ids = core.id ? [core.id] : [];
  }

  get view(): View | undefined {
    return this.views.at(-1);
  }

  get bytes(): number {
    return [...this.ticked.values()].reduce((sum, one) => sum + (one.bytes ?? 0), 0);
  }

  /** How many are ticked whose size is not known. */
  get unsized(): number {
    return [...this.ticked.values()].filter((one) => one.bytes === undefined).length;
  }

  /** Looks at the first address, or at the shown one anew, so many folders deep. */
  async look(depth = this.view?.depth ?? 0): Promise<void> {
    const at = this.view;
    const source = at?.source ?? this.#core.what.files[0]?.sources[0];
    if (!source) return;
    const view = await this.#browse(source, at?.prefix ?? '', depth);
    if (view) this.views = [...this.views.slice(0, -1), view];
  }

  /** Looks into a page or folder that is offered. */
  async into(row: Row): Promise<void> {
    const { offer } = row;
    const prefix = joined(this.view?.prefix, offer.kind === 'folder' ? joined(offer.folder, offer.name) : '');
    const view = await this.#browse(this.#like({ url: row.key }), prefix, 0);
    if (view) this.views = [...this.views, view];
  }

  back(): void {
    this.#turn += 1;
    this.asking = false;
    this.problem = undefined;
    this.views = this.views.slice(0, -1);
  }

  tick(rows: readonly Row[], on: boolean): void {
    const next = new Map(this.ticked);
    for (const { key, file, offer } of rows) {
      if (!on) next.delete(key);
      else if (file && !next.has(key)) next.set(key, { file, bytes: offer.size_bytes });
    }
    this.ticked = next;
  }

  /** The requests that bring what is ticked: one, or more where it is too much for one. */
  cores(): Core[] {
    const parts: WantedFile[][] = [];
    let bytes = 0;
    for (const { file } of this.ticked.values()) {
      const more = encoder.encode(JSON.stringify(file)).length;
      let part = parts.at(-1);
      if (!part || part.length === mostFiles || bytes + more > mostBytes) {
        parts.push((part = []));
        bytes = 0;
      }
      part.push(file);
      bytes += more;
    }
    const title = [...(this.views[0]?.title ?? '')].slice(0, longestTitle).join('');
    return parts.map((files, index) => {
      const used = new Set(files.flatMap((file) => file.sources.flatMap((source) => source.cred ?? [])));
      const made: Core = { ...this.#core, id: (this.#ids[index] ??= uuid()), what: { files } };
      if (this.#core.what.folder) made.what.folder = this.#core.what.folder;
      const named = parts.length > 1 ? words.browse.part(title, index + 1, parts.length) : title;
      if (title && this.ticked.size > 1) made.what.title = named;
      if (made.access) made.access = made.access.filter((one) => used.has(one.id));
      return made;
    });
  }

  /** Undefined: it went wrong, or something else was asked for meanwhile. */
  async #browse(source: Source, prefix: string, depth: number): Promise<View | undefined> {
    const turn = ++this.#turn;
    this.asking = true;
    this.problem = undefined;
    const { when: _, ...rest } = this.#core;
    const core = this.#dress({ ...rest, what: { files: [{ sources: [source] }] } });
    try {
      const found = await done(
        api.POST('/v1/browse', {
          params: { query: depth > 0 ? { depth } : {} },
          body: core as object as Record<string, never>,
        }),
      );
      if (turn !== this.#turn) return undefined;
      return {
        kind: found.kind,
        title: (found.title || found.url).replace(/\p{Cc}|\u2028|\u2029/gu, ' ').trim(),
        source,
        prefix,
        depth,
        rows: found.offers.map((offer) => this.#row(offer, found.kind, source, prefix)),
        leftOut: found.left_out,
        complete: found.complete,
      };
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (turn === this.#turn) this.problem = problem;
      return undefined;
    } finally {
      if (turn === this.#turn) this.asking = false;
    }
  }

  #row(offer: Offer, kind: Browsed['kind'], page: Source, prefix: string): Row {
    if (!offer.file) return { key: offer.source?.url ?? offer.url, offer, file: undefined };
    const given = offer.file as object as WantedFile;
    const file: WantedFile = {
      ...given,
      sources: given.sources.map((source) => this.#like(source, kind === 'page' ? page.url : '')),
    };
    const path = joined(prefix, given.path);
    if (path) file.path = path;
    return { key: given.sources[0]?.url ?? offer.url, offer, file };
  }

  /** A source that is asked for as the first address was: its headers, and the secrets that are for this server. */
  #like(source: Source, page = ''): Source {
    const asked = this.#core.what.files[0]?.sources[0];
    const origin = originOf(source.url);
    const cred = (asked?.cred ?? []).filter((id) =>
      this.#core.access?.some((one) => one.id === id && one.scope.includes(origin)),
    );
    const headers = origin === originOf(asked?.url ?? '') ? [...(asked?.request?.headers ?? [])] : [];
    const referer = refererFor(page, source.url);
    if (referer && !headers.some(([name]) => name.toLowerCase() === 'referer'))
      headers.push(['referer', referer]);
    return {
      ...source,
      ...(cred.length > 0 ? { cred } : {}),
      ...(headers.length > 0 ? { request: { headers } } : {}),
    };
  }
}
