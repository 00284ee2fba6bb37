// SPDX-License-Identifier: Apache-2.0
import { Problem, type Schemas } from '@restante/sdk';
import { api } from '../../lib/place';
import { session } from '../../lib/session.svelte';

type Job = Schemas['Job'];
/** What is known of one download; replaced whenever something of it changes. */
export type Row = Readonly<
  Partial<Job> & Pick<Job, 'id' | 'name' | 'state' | 'received_bytes' | 'attempt' | 'created'>
>;

export const filters = ['all', 'active', 'waiting', 'you', 'done', 'failed'] as const;
export type Filter = (typeof filters)[number];

const groups: Record<Job['state'], Exclude<Filter, 'all'>> = {
  scheduled: 'waiting',
  waiting: 'waiting',
  paused: 'waiting',
  running: 'active',
  verifying: 'active',
  publishing: 'active',
  held: 'you',
  done: 'done',
  failed: 'failed',
  expired: 'failed',
  cancelled: 'failed',
};
export const groupOf = (state: Job['state']) => groups[state] ?? 'waiting';

const firstPage = 100;
const longestPage = 1000;

/** The members of a row that belong to its present state: an event without them means that they are gone. */
const passing = [
  'reason',
  'waiting_for',
  'message',
  'next_run',
  'ended',
  'bytes_per_s',
  'plan',
  'plan_reason',
] as const;

/**
 * All downloads of the account, newest first, as the place tells them: read once, then kept true by the event stream,
 * and read anew whenever the stream was away. Plain maps; whoever shows them looks at `version` (something of a row
 * changed) and `order` (rows came, went or changed their group), both at most once a frame.
 */
class Rows {
  version = $state(0);
  order = $state(0);
  loading = $state(false);
  problem = $state.raw<unknown>();
  /** Whether a whole list was read once. */
  whole = $state(false);

  readonly #rows = new Map<string, Row>();
  #ids: string[] = [];
  /** Of rows that came while a list is being read: they are newer than it. */
  readonly #heard = new Set<string>();
  readonly #gone = new Set<string>();
  #reading = 0;
  #users = 0;
  #stop: (() => void) | undefined;
  #frame = 0;
  #reordered = false;

  get ids(): readonly string[] {
    return this.#ids;
  }

  get(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  /** Keeps the list true while a page shows it; returns what ends that. Call it in an effect: it looks at the stream. */
  use(): () => void {
    void session.opened;
    this.#users += 1;
    if (this.#users === 1) this.#listen();
    void this.read();
    return () => {
      this.#users -= 1;
      if (this.#users === 0) this.#stop?.();
    };
  }

  #listen(): void {
    const live = session.live;
    if (!live) return;
    const ends = [
      live.on('job.state', (data) => this.#state(data as unknown as Partial<Row> & { id: string })),
      live.on('job.progress', (data) => this.#progress(data as unknown as Partial<Row> & { id: string })),
      live.on('job.gone', (data) => this.forget(String(data['id']))),
      live.on('jobs.changed', () => void this.read()),
    ];
    this.#stop = () => {
      for (const end of ends) end();
    };
  }

  /** Asks for the whole list. A later call makes an earlier one stop. */
  async read(): Promise<void> {
    const mine = ++this.#reading;
    this.loading = true;
    this.#heard.clear();
    this.#gone.clear();
    const ids: string[] = [];
    const seen = new Set<string>();
    let cursor: string | undefined;
    try {
      do {
        const limit = ids.length === 0 ? firstPage : longestPage;
        const { data, error, response } = await api.GET('/v1/jobs', {
          params: { query: { limit, ...(cursor ? { cursor } : {}) } },
        });
        if (mine !== this.#reading) return;
        if (!data) throw new Problem((error ?? {}) as object, response.status);
        for (const job of data) {
          if (seen.has(job.id) || this.#gone.has(job.id)) continue;
          seen.add(job.id);
          ids.push(job.id);
          const before = this.#rows.get(job.id);
          this.#rows.set(job.id, before && this.#heard.has(job.id) ? { ...job, ...before } : job);
        }
        cursor = /[?&]cursor=([^&>]+)/.exec(response.headers.get('Link') ?? '')?.[1];
        if (!this.whole) this.#show(ids.slice());
      } while (cursor);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (mine !== this.#reading) return;
      this.problem = problem;
      this.loading = false;
      return;
    }
    const newer = this.#ids.filter((id) => this.#heard.has(id) && !seen.has(id));
    for (const id of this.#rows.keys()) if (!seen.has(id) && !this.#heard.has(id)) this.#rows.delete(id);
    this.#show([...newer, ...ids]);
    this.problem = undefined;
    this.loading = false;
    this.whole = true;
  }

  #show(ids: string[]): void {
    this.#ids = ids.filter((id) => this.#rows.has(id));
    this.#reordered = true;
    this.#tell();
  }

  /** Somebody else is signed in. */
  clear(): void {
    this.#reading += 1;
    this.#rows.clear();
    this.#ids = [];
    this.whole = false;
    this.#reordered = true;
    this.#tell();
  }

  /** What the place answered to a change. While the stream is there it tells more: the answer may be older. */
  put(job: Job): void {
    if (!session.connected) this.#set(job.id, job);
  }

  forget(id: string): void {
    this.#gone.add(id);
    if (!this.#rows.delete(id)) return;
    this.#ids = this.#ids.filter((one) => one !== id);
    this.#reordered = true;
    this.#tell();
  }

  #state(told: Partial<Row> & { id: string }): void {
    this.#heard.add(told.id);
    if (this.#gone.has(told.id)) return;
    const before = this.#rows.get(told.id);
    const next: Record<string, unknown> = {
      received_bytes: 0,
      attempt: 0,
      created: new Date().toISOString(),
      ...before,
    };
    for (const member of passing) delete next[member];
    const members = [
      'id',
      'name',
      'state',
      'attempt',
      'created',
      'started',
      'size_bytes',
      'received_bytes',
      ...passing,
    ] as const;
    for (const member of members) if (told[member] !== undefined) next[member] = told[member];
    this.#set(told.id, next as Row);
  }

  #progress(told: Partial<Row> & { id: string }): void {
    const before = this.#rows.get(told.id);
    if (!before) return;
    const { received_bytes = before.received_bytes, size_bytes, bytes_per_s } = told;
    this.#set(told.id, {
      ...before,
      received_bytes,
      ...(size_bytes === undefined ? {} : { size_bytes }),
      ...(bytes_per_s === undefined ? {} : { bytes_per_s }),
    });
  }

  #set(id: string, row: Row): void {
    const before = this.#rows.get(id);
    this.#rows.set(id, row);
    if (!before) this.#ids.unshift(id);
    if (!before || before.name !== row.name || groupOf(before.state) !== groupOf(row.state))
      this.#reordered = true;
    this.#tell();
  }

  /** Many events come in one frame: the page is told once. A page that is not seen has no frames, and needs none. */
  #tell(): void {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.version += 1;
      if (this.#reordered) this.order += 1;
      this.#reordered = false;
    });
  }
}

export const rows = new Rows();

/** The rows of a filter whose name holds the text, and how many each filter has. */
export function choose(filter: Filter, text: string): { ids: string[]; counts: Record<Filter, number> } {
  const counts: Record<Filter, number> = { all: 0, active: 0, waiting: 0, you: 0, done: 0, failed: 0 };
  const wanted = text.trim().toLocaleLowerCase();
  const ids: string[] = [];
  for (const id of rows.ids) {
    const row = rows.get(id);
    if (!row) continue;
    if (wanted && !row.name.toLocaleLowerCase().includes(wanted)) continue;
    const group = groupOf(row.state);
    counts.all += 1;
    counts[group] += 1;
    if (filter === 'all' || filter === group) ids.push(id);
  }
  return { ids, counts };
}
