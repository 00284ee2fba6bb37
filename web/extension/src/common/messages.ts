// SPDX-License-Identifier: Apache-2.0
// What the pages ask the background for. The answers are values; what goes wrong is a `Trouble`.
import type { ConnectedPlace, Settings, State, Wish } from './model';

export type Ask =
  | { do: 'state' }
  /** What a place knows this browser by; a secret, not to be kept. */
  | { do: 'token'; place: string }
  /** A connecting address, as a link or as a QR code said it; none: the one that was offered by a tab, if it is still of the origin that was shown. */
  | { do: 'connect'; address?: string; offered?: string }
  | { do: 'disconnect'; place: string }
  | { do: 'set'; settings: Settings }
  /** What becomes of something captured. */
  | { do: 'choose'; id: string; wish: Wish }
  | { do: 'download-here'; id: string }
  | { do: 'drop'; id: string }
  /** Another address, without a click on it. */
  | { do: 'send'; url: string; wish: Wish }
  /** Of what waits: all is tried again; one is given up; one is downloaded by the browser. */
  | { do: 'flush' }
  | { do: 'forget'; id: string }
  | { do: 'fetch-here'; id: string }
  /** The site in front is captured, or never. */
  | { do: 'site'; host: string; captured: boolean };

export interface Answers {
  state: State;
  token: string;
  connect: ConnectedPlace;
  disconnect: null;
  set: null;
  choose: Sent;
  'download-here': null;
  drop: null;
  send: Sent;
  flush: { went: number };
  forget: null;
  'fetch-here': null;
  site: null;
}

/** What became of a request: handed over (with the download's id), waiting here, or downloading in the browser. */
export type Sent = { to: 'place'; job: string } | { to: 'outbox' } | { to: 'browser' };

/** A refusal in words for people. */
export interface Trouble {
  reason: string;
  message: string;
  hint: string;
}

/** What the pages hear without asking: the state changed. */
export interface Changed {
  changed: true;
}

export class Refusal extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble.message);
  }
}

type Reply = { answer: unknown } | { trouble: Trouble };

/** Error: Refusal. */
export async function ask<A extends Ask>(what: A): Promise<Answers[A['do']]> {
  const reply = (await chrome.runtime.sendMessage(what)) as Reply | undefined;
  if (!reply)
    throw new Refusal({ reason: 'internal', message: 'The extension did not answer.', hint: 'Try again.' });
  if ('trouble' in reply) throw new Refusal(reply.trouble);
  return reply.answer as Answers[A['do']];
}

/** Calls back at every change; returns what ends that. */
export function onChanged(listener: () => void): () => void {
  const hear = (message: unknown) => {
    if ((message as Partial<Changed> | undefined)?.changed) listener();
  };
  chrome.runtime.onMessage.addListener(hear);
  return () => chrome.runtime.onMessage.removeListener(hear);
}
