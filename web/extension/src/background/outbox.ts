// SPDX-License-Identifier: Apache-2.0
// Requests on their way: kept before they are sent, given up only when the place has them or a person says so.
import { Problem } from '@restante/sdk';
import { sealFor, signDocument, verifyKeySet } from '@restante/sdk/jose';
import type { Waiting } from '../common/model';
import { words } from '../words/background';
import type { Captured } from './captured';
import type { Composed } from './core';
import { call, type Places } from './places';
import { Shelf } from './shelf';
import { Told, troubleOf } from './trouble';

/** What a place takes at most (FORMATS.md §1.5), before it is sealed. */
const MOST_BYTES = 256 * 1024;
const MOST_WAITING = 256;

interface Kept extends Waiting, Composed {
  captured: Captured;
}

export interface HandedOver {
  /** Of the download. */
  job: string;
}

/** What may be tried again later by itself. */
function passes(problem: Problem): boolean {
  return problem.status === 0 || problem.status >= 500 || problem.status === 429;
}

/** Made once by main. */
export class Outbox {
  readonly #shelf = new Shelf<Kept>('outbox');
  readonly #under = new Map<string, Promise<HandedOver>>();

  constructor(private readonly places: Places) {}

  async all(): Promise<Waiting[]> {
    const kept = await this.#shelf.all();
    return kept
      .map(({ id, label, place, made, refused, detail }) => ({
        id,
        label,
        place,
        made,
        ...(refused ? { refused } : {}),
        ...(detail ? { detail } : {}),
      }))
      .sort((a, b) => a.made - b.made);
  }

  /** Durable when it returns. Error: Told (too large, too many wait). */
  async keep(request: Composed, captured: Captured, about: { place: string; label: string }): Promise<void> {
    const bytes = new TextEncoder().encode(request.core).byteLength;
    if (bytes > MOST_BYTES) throw new Told(words.tooLong(bytes));
    if ((await this.#shelf.count()) >= MOST_WAITING) throw new Told(words.tooManyWait);
    await this.#shelf.put(captured.id, { ...request, ...about, id: captured.id, made: Date.now(), captured });
  }

  async captured(id: string): Promise<Captured | undefined> {
    return (await this.#shelf.get(id))?.captured;
  }

  async remove(id: string): Promise<void> {
    await this.#shelf.remove(id);
  }

  /**
   * Hands one over; it is gone here when the place has it. Doing it twice is harmless: the place takes a request once. Errors: Problem
   * (status 0: not reached; it stays), Told and Refused (it stays, marked as refused).
   */
  send(id: string): Promise<HandedOver> {
    const under = this.#under.get(id);
    if (under) return under;
    const sending = this.#send(id).finally(() => this.#under.delete(id));
    this.#under.set(id, sending);
    return sending;
  }

  async #send(id: string): Promise<HandedOver> {
    const kept = await this.#shelf.get(id);
    if (!kept) throw new Told(words.gone);
    try {
      const job = await this.#handOver(kept);
      await this.#shelf.remove(id);
      return { job };
    } catch (error) {
      if (error instanceof Problem && passes(error)) throw error;
      const trouble = troubleOf(error);
      await this.#shelf.put(id, { ...kept, refused: trouble.reason, detail: trouble.message });
      throw error;
    }
  }

  async #handOver(kept: Kept): Promise<string> {
    const place = await this.places.byJkt(kept.place);
    if (!place) throw new Told(words.noPlace);
    const keys = await verifyKeySet(place.keys, place.jkt);
    const signed = await signDocument(await this.places.key(place.jkt), kept.core);
    const body = await sealFor(keys.keys[0]!, signed, kept.exp, 'json');
    const headers = { 'Content-Type': 'application/vnd.restante.sealed+json' };
    try {
      const response = await call(`${place.url}/v1/proxies`, { method: 'POST', headers, body });
      return ((await response.json()) as { id: string }).id;
    } catch (problem) {
      if (problem instanceof Problem && ['unknown-device', 'unauthenticated'].includes(problem.reason))
        await this.places.end(place.jkt);
      throw problem;
    }
  }

  /** Tries all that was not refused. Returns what went, with the downloads' ids. */
  async flush(): Promise<{ waiting: Waiting; job: string }[]> {
    const went: { waiting: Waiting; job: string }[] = [];
    const lost = new Set<string>();
    for (const waiting of await this.all()) {
      if (waiting.refused || lost.has(waiting.place)) continue;
      try {
        went.push({ waiting, job: (await this.send(waiting.id)).job });
      } catch (error) {
        if (error instanceof Problem && error.status === 0) lost.add(waiting.place);
      }
    }
    return went;
  }

  /** One that was refused may be tried again: the reason may be mended. */
  async again(id: string): Promise<void> {
    const kept = await this.#shelf.get(id);
    if (!kept?.refused) return;
    const { refused: _refused, detail: _detail, ...rest } = kept;
    await this.#shelf.put(id, rest);
  }
}
