// SPDX-License-Identifier: Apache-2.0
import { Problem } from '@restante/sdk';
import { problemWords } from './problems';

export interface Toast {
  id: number;
  kind: 'note' | 'problem';
  text: string;
  /** One thing that can still be done, such as "undo". */
  action?: { words: string; run: () => void | Promise<void> };
}

const stay = { note: 8_000, problem: 15_000 };
const most = 4;

/** Short messages at the edge of the page; read out by screen readers. */
class Toasts {
  all = $state<Toast[]>([]);
  #last = 0;

  note(text: string, action?: Toast['action']): void {
    this.#add({ id: ++this.#last, kind: 'note', text, ...(action ? { action } : {}) });
  }

  /** What went wrong, in words; for anything that was thrown. */
  problem(thrown: unknown): void {
    if (!(thrown instanceof Problem)) throw thrown;
    const { what, mend } = problemWords(thrown);
    this.#add({ id: ++this.#last, kind: 'problem', text: mend ? `${what} ${mend}` : what });
  }

  drop(id: number): void {
    this.all = this.all.filter((one) => one.id !== id);
  }

  #add(toast: Toast): void {
    this.all = [...this.all, toast].slice(-most);
    setTimeout(() => this.drop(toast.id), stay[toast.kind]);
  }
}

export const toasts = new Toasts();

/** Runs something that a person asked for; a problem is told in a toast. Whether it went well. */
export async function attempt(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (thrown) {
    toasts.problem(thrown);
    return false;
  }
}
