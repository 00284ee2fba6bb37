// SPDX-License-Identifier: Apache-2.0
// A connecting address that was opened in a tab: kept in memory until somebody says yes, or it is too old.
import { words } from '../words/background';
import { readConnecting } from './places';
import { Told } from './trouble';

const KEY = 'offered';
/** As long as the address is good (DESIGN.md §4a). */
const LASTS_MS = 15 * 60_000;

export class Offers {
  async note(address: string): Promise<boolean> {
    if (!readConnecting(address)) return false;
    await chrome.storage.session.set({ [KEY]: { address, at: Date.now() } });
    return true;
  }

  async offered(): Promise<string | undefined> {
    const { [KEY]: kept } = (await chrome.storage.session.get(KEY)) as {
      [KEY]?: { address: string; at: number };
    };
    return kept && Date.now() - kept.at < LASTS_MS ? kept.address : undefined;
  }

  /** The one that a person saw and said yes to: another tab may have put its own there since. Error: Told. */
  async ofOrigin(origin: string | undefined): Promise<string> {
    const address = await this.offered();
    if (address === undefined) throw new Told(words.noAddress);
    if (new URL(address).origin !== origin) throw new Told(words.otherOffered);
    return address;
  }

  async forget(): Promise<void> {
    await chrome.storage.session.remove(KEY);
  }
}
