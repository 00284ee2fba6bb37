// SPDX-License-Identifier: Apache-2.0
// The state that the background tells, kept fresh while a page is open.
import { ask, onChanged, Refusal, type Trouble } from './messages';
import type { State } from './model';

function troubleOf(error: unknown): Trouble {
  if (error instanceof Refusal) return error.trouble;
  return { reason: 'internal', message: error instanceof Error ? error.message : '', hint: '' };
}

class Now {
  state = $state<State>();
  trouble = $state<Trouble>();

  /** What was refused stays told. */
  async refresh(): Promise<void> {
    try {
      this.state = await ask({ do: 'state' });
    } catch (error) {
      this.trouble = troubleOf(error);
    }
  }

  /** Does something that may be refused; what was refused is told on the page. Returns whether it went well. */
  async attempt(deed: () => Promise<unknown>): Promise<boolean> {
    try {
      await deed();
      this.trouble = undefined;
      return true;
    } catch (error) {
      this.trouble = troubleOf(error);
      return false;
    }
  }
}

export const now = new Now();
onChanged(() => void now.refresh());
void now.refresh();
