// SPDX-License-Identifier: Apache-2.0
// Gives a request back to the browser, which downloads it as if nothing had been there.
import type { Captured } from './captured';
import { letPass } from './rules';

/** Until a download that was given back has begun, and is known as ours. */
const PASSES_MS = 10_000;
const KEPT_MS = 20_000;

/** Lives as long as the background. */
export class GivingBack {
  readonly #given = new Map<string, number>();

  /** Whether this address is the browser's for now. */
  isGiven(url: string): boolean {
    const oldest = Date.now() - KEPT_MS;
    for (const [one, at] of this.#given) if (at < oldest) this.#given.delete(one);
    return this.#given.has(url);
  }

  /** The same, for the download that has begun: the next one of this address is another. */
  claim(urls: string[]): boolean {
    const url = urls.find((one) => this.isGiven(one));
    return url !== undefined && this.#given.delete(url);
  }

  note(url: string): void {
    this.#given.set(url, Date.now());
  }

  /** Error: Error, in the browser's words. */
  async give(captured: Pick<Captured, 'url' | 'method' | 'body' | 'headers'>): Promise<void> {
    this.note(captured.url);
    await letPass([chrome.tabs.TAB_ID_NONE], PASSES_MS);
    const type = captured.headers.find(([name]) => name.toLowerCase() === 'content-type');
    const post = captured.method === 'POST';
    await chrome.downloads.download({
      url: captured.url,
      ...(post ? { method: 'POST' as chrome.downloads.HttpMethod, body: atob(captured.body ?? '') } : {}),
      ...(post && type ? { headers: [{ name: type[0], value: type[1] }] } : {}),
    });
  }
}
