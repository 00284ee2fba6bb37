// SPDX-License-Identifier: Apache-2.0
import { Problem } from '@restante/sdk';
import { session } from './session.svelte';

/** What the place says to one question, and what went wrong. The last answer stays while it is asked again. */
export class Asked<T> {
  data = $state.raw<T>();
  problem = $state.raw<Problem>();
  readonly #ask: () => Promise<T>;
  #latest = 0;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  async again(): Promise<void> {
    const mine = ++this.#latest;
    try {
      const data = await this.#ask();
      if (mine !== this.#latest) return;
      this.data = data;
      this.problem = undefined;
    } catch (thrown) {
      if (!(thrown instanceof Problem)) throw thrown;
      if (mine === this.#latest) this.problem = thrown;
    }
  }
}

/**
 * A question that is asked when the component comes, and anew whenever the place is there again, or what `ask` read
 * before its first wait has changed.
 */
export function asking<T>(ask: () => Promise<T>): Asked<T> {
  const asked = new Asked(ask);
  $effect(() => {
    void session.opened;
    void asked.again();
  });
  return asked;
}
