// SPDX-License-Identifier: Apache-2.0
import { Live, Problem, type Account, type Credentials, type Schemas } from '@restante/sdk';
import { tellTimesOf } from './format';
import { place } from './place';

type PlaceFacts = Schemas['Place'];

/**
 * Who is signed in, where, and whether the place can be reached. One for the whole app; `begin` is called once, and
 * the event stream lives as long as somebody is signed in.
 */
class Session {
  /** unknown: not asked yet, or the place could not be reached so far. */
  state = $state<'unknown' | 'in' | 'out'>('unknown');
  account = $state.raw<Account>();
  facts = $state.raw<PlaceFacts>();
  /** Whether the event stream is there. */
  connected = $state(true);
  /** Grows whenever the stream is there again: what is shown has to be asked for anew. */
  opened = $state(0);
  live: Live | undefined;

  get name(): string {
    return this.facts?.name ?? 'Restante';
  }

  /** The place's time zone (IANA). */
  get zone(): string {
    return this.facts?.time.tz ?? 'UTC';
  }

  get admin(): boolean {
    return this.account?.role === 'admin';
  }

  async begin(): Promise<void> {
    for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
      try {
        await Promise.all([this.#ask(), this.#askPlace()]);
        return;
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        this.connected = false;
        await new Promise((again) => setTimeout(again, wait));
      }
    }
  }

  async signIn(credentials: Credentials): Promise<void> {
    this.#entered(await place.signIn(credentials));
  }

  /** Somebody signed in by another call than ours (first set-up): asks who. */
  async refresh(): Promise<void> {
    await this.#ask();
  }

  async signOut(): Promise<void> {
    await place.signOut();
    // What another app shared and nobody asked for yet (app/sw): it may hold secrets.
    if ('caches' in globalThis) await caches.delete('shared');
    // This browser's own key, and requests that wait (pages/travel).
    for (const name of ['restante-keys', 'restante-travel']) globalThis.indexedDB?.deleteDatabase(name);
    this.ended();
  }

  /** Nobody is signed in any more. */
  ended(): void {
    this.live?.close();
    this.live = undefined;
    this.account = undefined;
    this.state = 'out';
    this.connected = true;
  }

  async #ask(): Promise<void> {
    const account = await place.whoAmI();
    this.connected = true;
    if (account) this.#entered(account);
    else this.ended();
  }

  async #askPlace(): Promise<void> {
    this.facts = await place.done(place.api.GET('/.well-known/restante'));
    tellTimesOf(this.facts.time.tz);
  }

  #entered(account: Account): void {
    this.account = account;
    this.state = 'in';
    this.live ??= new Live({
      onOpen: () => {
        this.connected = true;
        this.opened += 1;
      },
      onLost: () => void this.#lost(),
    });
  }

  /** A lost stream may mean that the place is away, or that nobody is signed in any more: ask. */
  async #lost(): Promise<void> {
    this.connected = false;
    try {
      await this.#ask();
      this.connected = false;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
    }
  }
}

export const session = new Session();
