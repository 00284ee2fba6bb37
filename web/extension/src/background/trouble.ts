// SPDX-License-Identifier: Apache-2.0
import { Problem } from '@restante/sdk';
import { Refused } from '@restante/sdk/jose';
import type { Trouble } from '../common/messages';
import { words } from '../words/background';

/** What went wrong, for people. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof Told) return error.trouble;
  if (error instanceof Problem)
    return error.status === 0
      ? words.unreachable
      : { reason: error.reason, message: error.message || words.refused, hint: error.hint };
  if (error instanceof Refused)
    return { reason: error.reason, message: words.wrongKeys, hint: words.connectAgain };
  return { reason: 'internal', message: words.failed, hint: error instanceof Error ? error.message : '' };
}

/** Something that is said in the extension's own words. */
export class Told extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble.message);
  }
}
