// SPDX-License-Identifier: Apache-2.0
// Whether the place can be reached: asked while somebody browses, believed for less than 30 s.
import type { ConnectedPlace } from '../common/model';
import { call } from './places';

/** How long an answer is believed; a little less than the 30 s after which a background may be stopped. */
export const BELIEVED_MS = 25_000;
/** A younger answer is not asked for again. */
const FRESH_MS = 10_000;
const ANSWERS_WITHIN_MS = 4_000;

/** Lives as long as the background. */
export class Reach {
  readonly #answered = new Map<string, number>();
  readonly #asking = new Map<string, Promise<boolean>>();

  /** When the place answered last, in milliseconds since 1970; 0: it did not. */
  answered(jkt: string): number {
    return this.#answered.get(jkt) ?? 0;
  }

  believed(jkt: string): boolean {
    return Date.now() - this.answered(jkt) < BELIEVED_MS;
  }

  lost(jkt: string): void {
    this.#answered.delete(jkt);
  }

  /** Asks, unless it was asked a moment ago. */
  async check(place: ConnectedPlace, force = false): Promise<boolean> {
    if (!force && Date.now() - this.answered(place.jkt) < FRESH_MS) return true;
    const under = this.#asking.get(place.jkt);
    if (under) return under;
    const asking = this.#ask(place).finally(() => this.#asking.delete(place.jkt));
    this.#asking.set(place.jkt, asking);
    return asking;
  }

  async #ask(place: ConnectedPlace): Promise<boolean> {
    const begun = Date.now();
    try {
      await call(`${place.url}/nav204`, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
      this.#answered.set(place.jkt, begun);
      return true;
    } catch {
      this.#answered.delete(place.jkt);
      return false;
    }
  }
}
