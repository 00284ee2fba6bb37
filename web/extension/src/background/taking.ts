// SPDX-License-Identifier: Apache-2.0
// What becomes of something captured: somebody is asked, or it is sent at once; what cannot be sent is given back to the browser or
// waits. Everything is kept here before the browser gives it up.
import { Problem } from '@restante/sdk';
import type { Sent } from '../common/messages';
import type { Asked, ConnectedPlace, Settings, Wish } from '../common/model';
import { words } from '../words/background';
import { shownUrl, type Captured } from './captured';
import { compose, placeOf } from './core';
import type { GivingBack } from './giving_back';
import type { Outbox } from './outbox';
import type { Places } from './places';
import type { Reach } from './reach';
import { Shelf } from './shelf';
import { tell } from './telling';
import type { Tracking } from './tracking';
import { Told, troubleOf } from './trouble';

/** Sent without asking from one site within a minute; more are asked about, so that no page can send without end. */
const MOST_A_MINUTE = 100;
/** The same of all sites together: a site may have as many names as it likes. */
const MOST_OF_ALL_A_MINUTE = 300;
/** Questions that wait for a person; what comes then is refused, and told once until there is room. */
const MOST_ASKED = 128;

export interface Parts {
  places: Places;
  reach: Reach;
  outbox: Outbox;
  tracking: Tracking;
  givingBack: GivingBack;
  settings: () => Promise<Settings>;
  /** Asks a person; opens a window unless one is open. */
  askPerson: (id: string) => Promise<void>;
  changed: () => void;
}

/** More waits for a choice than somebody could choose: some page begins downloads without end. */
export class Full extends Error {}

/** Made once by main. */
export class Taking {
  readonly #asked = new Shelf<Captured>('asked');
  #lately: { from: string; at: number }[] = [];
  #putting: Promise<void> = Promise.resolve();
  #toldFull = false;

  constructor(private readonly parts: Parts) {}

  async asked(): Promise<Asked[]> {
    return (await this.#asked.all())
      .sort((a, b) => a.at - b.at)
      .map((one) => ({
        id: one.id,
        url: shownUrl(one.url),
        name: one.label,
        ...(one.size === undefined ? {} : { size: one.size }),
        secrets: one.secrets.map(({ origin }) => new URL(origin).hostname),
        from: one.from,
        cannot: one.cannot,
        at: one.at,
      }));
  }

  /**
   * Whether the browser should give a download up for us: there is a place, and it answers or requests may wait. What is left to the
   * browser is none of ours.
   */
  async ready(settings: Settings): Promise<boolean> {
    const places = (await this.parts.places.all()).filter((place) => !place.ended);
    if (places.length === 0) return false;
    if (settings.whenDown === 'wait') return true;
    const usual = placeOf(settings.wish, places, settings.trips, Date.now());
    const tried = settings.mode === 'send' ? (usual ? [usual] : []) : places;
    for (const place of tried)
      if (this.parts.reach.believed(place.jkt) || (await this.parts.reach.check(place))) return true;
    return false;
  }

  /** Returns when it is durable here; what follows is told by notifications. `kept` is called in that moment. Error: Full. */
  async take(captured: Captured, kept?: () => Promise<void>): Promise<void> {
    const settings = await this.parts.settings();
    const askFirst = settings.mode === 'ask' || captured.cannot !== '' || this.#tooMany(captured.from);
    if (askFirst) {
      await this.#question(captured);
      await kept?.();
      this.parts.changed();
      await this.parts.askPerson(captured.id);
      return;
    }
    try {
      const place = await this.#prepare(captured, settings.wish, settings);
      await kept?.();
      await this.#hand(captured, place, settings, true);
    } catch (error) {
      // Whatever is wrong with the wish, a person can mend it: it waits as a question.
      if (!(error instanceof Told)) throw error;
      await this.#question(captured);
      await kept?.();
      await this.parts.askPerson(captured.id);
    } finally {
      this.parts.changed();
    }
  }

  /** A person decided. Errors: Told, Problem, Refused. */
  async choose(id: string, wish: Wish): Promise<Sent> {
    const captured = await this.#asked.get(id);
    if (!captured) throw new Told(words.gone);
    const settings = await this.parts.settings();
    const place = await this.#prepare(captured, wish, settings);
    await this.#asked.remove(id);
    try {
      return await this.#hand(captured, place, settings, false);
    } finally {
      this.parts.changed();
    }
  }

  /** What a person asked for by itself. Errors as `choose`. */
  async send(captured: Captured, wish: Wish): Promise<Sent> {
    const settings = await this.parts.settings();
    const place = await this.#prepare(captured, wish, settings);
    try {
      return await this.#hand(captured, place, { ...settings, whenDown: 'wait' }, false);
    } finally {
      this.parts.changed();
    }
  }

  /** The browser downloads it as usual; it stays a question if it cannot. */
  async downloadHere(id: string): Promise<void> {
    const captured = await this.#asked.get(id);
    if (!captured) throw new Told(words.gone);
    await this.parts.givingBack.give(captured);
    await this.#asked.remove(id);
    this.parts.changed();
  }

  async drop(id: string): Promise<void> {
    await this.#asked.remove(id);
    this.parts.changed();
  }

  #tooMany(from: string): boolean {
    const now = Date.now();
    this.#lately = this.#lately.filter((one) => now - one.at < 60_000);
    this.#lately.push({ from, at: now });
    if (this.#lately.length > MOST_OF_ALL_A_MINUTE) {
      this.#lately.shift();
      return true;
    }
    return this.#lately.filter((one) => one.from === from).length > MOST_A_MINUTE;
  }

  /** One after the other, so that no two find the last room. Error: Full. */
  #question(captured: Captured): Promise<void> {
    const putting = this.#putting.then(async () => {
      if ((await this.#asked.count()) < MOST_ASKED) {
        this.#toldFull = false;
        return this.#asked.put(captured.id, captured);
      }
      if (!this.#toldFull) await tell('full', { title: words.fullTitle, text: words.fullText(MOST_ASKED) });
      this.#toldFull = true;
      throw new Full('too many questions');
    });
    this.#putting = putting.catch(() => undefined);
    return putting;
  }

  /** In the outbox from here on. Error: Told. */
  async #prepare(captured: Captured, wish: Wish, settings: Settings): Promise<ConnectedPlace> {
    const place = placeOf(wish, await this.parts.places.all(), settings.trips, Date.now());
    if (!place) throw new Told(wish.place === 'trip' ? words.noTrip : words.noPlace);
    let composed;
    try {
      composed = compose(captured, wish, place, settings);
    } catch {
      throw new Told(words.notATime);
    }
    await this.parts.outbox.keep(composed, captured, { place: place.jkt, label: captured.label });
    return place;
  }

  async #hand(captured: Captured, place: ConnectedPlace, settings: Settings, told: boolean): Promise<Sent> {
    const { outbox, reach, tracking, givingBack } = this.parts;
    try {
      const { job } = await outbox.send(captured.id);
      await tracking.follow(job, place.jkt, captured.label);
      if (told && settings.notify)
        await tell(`sent ${captured.id}`, {
          title: words.sentTitle(captured.label),
          text: words.sentText(place.name),
        });
      void this.parts.places.follow(place.jkt);
      return { to: 'place', job };
    } catch (error) {
      if (error instanceof Problem && error.status === 0) {
        reach.lost(place.jkt);
        if (settings.whenDown === 'wait') {
          if (told)
            await tell(`sent ${captured.id}`, {
              title: words.waitsTitle(captured.label),
              text: words.waitsText(place.name),
            });
          return { to: 'outbox' };
        }
        await givingBack.give(captured);
        await outbox.remove(captured.id);
        if (told)
          await tell(`sent ${captured.id}`, {
            title: words.hereTitle(captured.label),
            text: words.hereText(words.hereUnreachable),
          });
        return { to: 'browser' };
      }
      if (error instanceof Problem && (error.status >= 500 || error.status === 429)) return { to: 'outbox' };
      if (!told) throw error;
      const { message, hint } = troubleOf(error);
      await tell(`sent ${captured.id}`, {
        title: words.refusedTitle(captured.label),
        text: `${message} ${hint}`.trim(),
      });
      return { to: 'outbox' };
    }
  }
}
