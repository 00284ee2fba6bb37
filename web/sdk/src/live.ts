// SPDX-License-Identifier: Apache-2.0

/** The names of events (contract: GET /v1/events). */
export type LiveEvent =
  'job.state' | 'job.progress' | 'job.gone' | 'jobs.changed' | 'file.done' | 'files.changed';
type Listener = (data: Record<string, unknown>) => void;

export interface LiveOptions {
  /** The stream is (again) there: what happened in between has to be asked for. Also the first time. */
  onOpen: () => void;
  /** The place cannot be reached; it is tried again by itself. */
  onLost: () => void;
  url?: string;
}

const firstWait = 500;
const longestWait = 15_000;
/** How long nobody looks before the stream is given up: browsers allow six connections for all tabs together. */
const unseen = 60_000;

/**
 * The one event stream of a page. It comes again after everything: a cut, a restart of the place, a sleep of the
 * computer. Made by the app when somebody is signed in, ended by `close`.
 */
export class Live {
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wait = firstWait;
  readonly #listeners = new Map<LiveEvent, Set<Listener>>();
  readonly #options: LiveOptions;

  constructor(options: LiveOptions) {
    this.#options = options;
    document.addEventListener('visibilitychange', this.#seen);
    this.#open();
  }

  /** Returns what ends the listening. */
  on(event: LiveEvent, listener: Listener): () => void {
    let all = this.#listeners.get(event);
    if (!all) {
      all = new Set();
      this.#listeners.set(event, all);
      if (this.#source) this.#hear(this.#source, event);
    }
    all.add(listener);
    return () => all.delete(listener);
  }

  close(): void {
    document.removeEventListener('visibilitychange', this.#seen);
    this.#end();
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#source?.close();
    this.#source = undefined;
  }

  #open(): void {
    this.#end();
    const source = new EventSource(this.#options.url ?? '/v1/events');
    this.#source = source;
    source.onopen = () => {
      this.#wait = firstWait;
      this.#options.onOpen();
    };
    // The browser would come again by itself after a cut, but not after an answer that is no stream (a proxy's 502,
    // a place that is starting): so it is always we who come again.
    source.onerror = () => {
      this.#end();
      this.#options.onLost();
      this.#timer = setTimeout(() => this.#open(), this.#wait * (0.75 + Math.random() / 2));
      this.#wait = Math.min(this.#wait * 2, longestWait);
    };
    for (const event of this.#listeners.keys()) this.#hear(source, event);
  }

  #hear(source: EventSource, event: LiveEvent): void {
    source.addEventListener(event, (message) => {
      const data = JSON.parse((message as MessageEvent<string>).data) as Record<string, unknown>;
      for (const listener of this.#listeners.get(event) ?? []) listener(data);
    });
  }

  readonly #seen = () => {
    if (document.visibilityState === 'visible') {
      if (!this.#source) this.#open();
      else if (this.#source.readyState !== EventSource.CLOSED) clearTimeout(this.#timer);
    } else if (this.#source) {
      this.#timer = setTimeout(() => this.#end(), unseen);
    }
  };
}
