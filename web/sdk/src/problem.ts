// SPDX-License-Identifier: Apache-2.0
import type { components } from './generated/api';
import { problems, reasons } from './generated/reasons';

export type ReasonCode = keyof typeof reasons;
export type ProblemCode = ReasonCode | keyof typeof problems;

/** A refusal of the place (RFC 9457), or that it could not be reached (`reason` is 'unreachable', status 0). */
export class Problem extends Error {
  readonly status: number;
  readonly reason: string;
  /** How to mend it; may be empty. */
  readonly hint: string;
  /** RFC 6901, into the document that was refused; empty: none. */
  readonly pointer: string;
  /** After how many seconds it may be tried again, if the place said so. */
  readonly retryAfter: number | undefined;

  constructor(said: Partial<components['schemas']['Problem']>, status: number, retryAfter?: number) {
    super(said.detail ?? said.title ?? '');
    this.name = 'Problem';
    this.status = status;
    this.reason = said.reason ?? said.type?.replace('/problems/', '') ?? 'unreachable';
    this.hint = said.hint ?? '';
    this.pointer = said.pointer ?? '';
    this.retryAfter = retryAfter;
  }

  static async from(response: Response): Promise<Problem> {
    const said: unknown = await response.json().catch(() => ({}));
    const after = Number(response.headers.get('Retry-After'));
    return new Problem(said as object, response.status, after > 0 ? after : undefined);
  }
}
