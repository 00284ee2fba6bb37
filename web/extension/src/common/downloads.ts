// SPDX-License-Identifier: Apache-2.0
// The downloads of a place, as they go. The bearer token is asked for and forgotten.
import type { Schemas } from '@restante/sdk';
import { ask } from './messages';
import type { ConnectedPlace } from './model';

export type Download = Schemas['Job'];
export type Deed = 'pause' | 'resume' | 'retry' | 'cancel';

const SHOWN = 20;
const AGAIN_MS = 5_000;

async function call(place: ConnectedPlace, path: string, options: RequestInit = {}): Promise<Response> {
  const token = await ask({ do: 'token', place: place.jkt });
  const response = await fetch(place.url + path, {
    ...options,
    credentials: 'omit',
    cache: 'no-store',
    headers: { ...(options.headers as Record<string, string>), Authorization: `Bearer ${token}` },
  });
  if (!response.ok) throw new Error(String(response.status));
  return response;
}

async function list(place: ConnectedPlace): Promise<Download[]> {
  return (await (await call(place, `/v1/jobs?limit=${SHOWN}`)).json()) as Download[];
}

/** Calls back with the newest downloads whenever one changes, and with `undefined` while the place is away, until `end` aborts. */
export async function follow(
  place: ConnectedPlace,
  tell: (downloads: Download[] | undefined) => void,
  end: AbortSignal,
): Promise<void> {
  while (!end.aborted) {
    try {
      const stream = await call(place, '/v1/events', { signal: end });
      tell(await list(place));
      await hear(stream, async () => tell(await list(place)));
    } catch {
      if (!end.aborted) tell(undefined);
    }
    await new Promise((next) => setTimeout(next, AGAIN_MS));
  }
}

/** An EventSource cannot say who asks. What an event says is not needed: that there is one is. */
async function hear(stream: Response, changed: () => Promise<void>): Promise<void> {
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split('\n\n');
    rest = events.pop()!;
    if (events.some((one) => /^event: (job|file)/m.test(one))) await changed();
  }
}

export async function act(place: ConnectedPlace, download: Download, deed: Deed): Promise<void> {
  await call(place, `/v1/jobs/${download.id}:${deed}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{}',
  });
}

export function deedsOf(download: Download): Deed[] {
  switch (download.state) {
    case 'scheduled':
    case 'waiting':
    case 'running':
      return ['pause', 'cancel'];
    case 'paused':
      return ['resume', 'cancel'];
    case 'held':
      return ['resume', 'cancel'];
    case 'failed':
    case 'expired':
      return ['retry'];
    default:
      return [];
  }
}

/** An address in a browser that brings the one file of a download; the page of the download where there are several. */
export async function linkTo(place: ConnectedPlace, download: Download): Promise<string> {
  const files = (await (await call(place, '/v1/files?limit=200')).json()) as Schemas['File'][];
  const brought = files.filter((one) => one.job === download.id);
  if (brought.length !== 1) return `${place.url}/downloads/${download.id}`;
  const made = await call(place, '/v1/links', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ file: brought[0]!.id }),
  });
  return ((await made.json()) as { url: string }).url;
}
