// SPDX-License-Identifier: Apache-2.0
// What was handed over is looked after until it is there: then its link is told.
import { Problem, type Schemas } from '@restante/sdk';
import type { Settings } from '../common/model';
import { words } from '../words/background';
import { call, type Places } from './places';
import { Shelf } from './shelf';
import { tell } from './telling';

const ALARM = 'look';
const MOST = 64;
const GIVEN_UP_MS = 30 * 24 * 3600_000;
const SOON_MIN = 1;
const LATER_MIN = 15;

interface Tracked {
  job: string;
  place: string;
  label: string;
  at: number;
}

/** Made once by main. */
export class Tracking {
  readonly #shelf = new Shelf<Tracked>('sent');

  constructor(
    private readonly places: Places,
    private readonly settings: () => Promise<Settings>,
  ) {}

  begin(): void {
    chrome.alarms.onAlarm.addListener((alarm) => {
      if (alarm.name === ALARM) void this.look();
    });
  }

  async follow(job: string, place: string, label: string): Promise<void> {
    const all = (await this.#shelf.all()).sort((a, b) => a.at - b.at);
    for (const old of all.slice(0, Math.max(0, all.length + 1 - MOST))) await this.#shelf.remove(old.job);
    await this.#shelf.put(job, { job, place, label, at: Date.now() });
    await chrome.alarms.create(ALARM, { delayInMinutes: SOON_MIN });
  }

  /** Asks for all that is under way, and comes again by itself. */
  async look(): Promise<void> {
    let soon = false;
    let any = false;
    for (const tracked of await this.#shelf.all()) {
      const state = await this.#lookAt(tracked);
      any ||= state !== 'ended';
      soon ||= state === 'soon';
    }
    if (any) await chrome.alarms.create(ALARM, { delayInMinutes: soon ? SOON_MIN : LATER_MIN });
  }

  async #lookAt(tracked: Tracked): Promise<'soon' | 'later' | 'ended'> {
    const place = await this.places.byJkt(tracked.place);
    if (!place || Date.now() - tracked.at > GIVEN_UP_MS) return this.#end(tracked);
    let job: Schemas['Job'];
    const headers = { Authorization: `Bearer ${await this.places.token(place.jkt)}` };
    try {
      job = (await (await call(`${place.url}/v1/jobs/${tracked.job}`, { headers })).json()) as Schemas['Job'];
    } catch (problem) {
      const gone = problem instanceof Problem && [401, 403, 404].includes(problem.status);
      return gone ? this.#end(tracked) : 'later';
    }
    const { notify } = await this.settings();
    if (job.state === 'done') {
      if (notify)
        await tell(`done ${tracked.job}`, {
          title: words.doneTitle(tracked.label),
          text: words.doneText(place.name),
          opens: await this.#link(place.url, job, headers),
        });
      return this.#end(tracked);
    }
    if (['failed', 'held', 'expired'].includes(job.state)) {
      if (notify)
        await tell(`done ${tracked.job}`, {
          title: words.failedTitle(tracked.label),
          text: words.failedText,
          opens: `${place.url}/downloads/${tracked.job}`,
        });
      return this.#end(tracked);
    }
    if (job.state === 'cancelled') return this.#end(tracked);
    return job.state === 'scheduled' ? 'later' : 'soon';
  }

  async #end(tracked: Tracked): Promise<'ended'> {
    await this.#shelf.remove(tracked.job);
    return 'ended';
  }

  /** A link that brings the file by itself; where it cannot be made, the page of the download. */
  async #link(origin: string, job: Schemas['Job'], headers: Record<string, string>): Promise<string> {
    const page = `${origin}/downloads/${job.id}`;
    try {
      const files = (await (
        await call(`${origin}/v1/files?limit=50`, { headers })
      ).json()) as Schemas['File'][];
      const brought = files.filter((one) => one.job === job.id);
      const file = brought.length === 1 ? brought[0]?.id : undefined;
      if (!file) return page;
      const made = await call(`${origin}/v1/links`, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json' },
        body: JSON.stringify({ file }),
      });
      return ((await made.json()) as { url?: string }).url ?? page;
    } catch {
      return page;
    }
  }
}
