// SPDX-License-Identifier: Apache-2.0
// Keeps the browser's own rules in step with what is known: they are set when somebody does something and the place answers, and go
// when that answer is 25 s old. Nothing is asked while nobody browses.
import type { ConnectedPlace, Settings } from '../common/model';
import { placeOf } from './core';
import type { Places } from './places';
import { BELIEVED_MS, type Reach } from './reach';
import { expectForm, forgetPassing, rulesAreKnown, rulesFor, setRules } from './rules';

const ALARM = 'rules';
/** So that what somebody does next finds them there. */
const RENEWED_AFTER_MS = 10_000;
/** Shorter than a background lives without events: it knows the form until then. */
const FORM_MS = 12_000;

/** Made once by main. */
export class Arming {
  #armedAt = 0;
  #rules: chrome.declarativeNetRequest.Rule[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly places: Places,
    private readonly reach: Reach,
    private readonly settings: () => Promise<Settings>,
  ) {}

  /** Somebody does something: a download may follow. */
  stir(): void {
    if (Date.now() - this.#armedAt > RENEWED_AFTER_MS) void this.renew();
  }

  /** Asks the place, and sets the rules or takes them away. */
  renew(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#renew()).catch(() => undefined);
    return this.#turn;
  }

  /** A form that can be told again is being sent: its answer is captured by its head, if the place answers. */
  async expectForm(tabId: number): Promise<void> {
    if (this.#rules.length && Date.now() - this.#armedAt < BELIEVED_MS - FORM_MS)
      await expectForm(this.#rules, tabId, FORM_MS);
  }

  /** The place did not answer a moment ago. */
  async lower(): Promise<void> {
    clearTimeout(this.#timer);
    this.#armedAt = 0;
    this.#rules = [];
    if (rulesAreKnown()) await setRules([]);
  }

  /** The background begins: rules of the one before may be older than they may. */
  async begin(): Promise<void> {
    chrome.alarms.onAlarm.addListener((alarm) => {
      if (alarm.name === ALARM && Date.now() - this.#armedAt >= BELIEVED_MS) void this.lower();
    });
    if (!rulesAreKnown()) return;
    await setRules([]);
    await forgetPassing();
    await this.renew();
  }

  async #renew(): Promise<void> {
    const settings = await this.settings();
    const places = await this.places.all();
    const place = await this.#answering(settings, places);
    if (!place) return this.lower();
    this.#armedAt = this.reach.answered(place.jkt);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.lower(), this.#armedAt + BELIEVED_MS - Date.now());
    if (!rulesAreKnown()) return;
    await chrome.alarms.create(ALARM, { delayInMinutes: 0.5 });
    const rules = rulesFor(
      settings,
      places.map((one) => one.url),
      `${place.url}/nav204`,
    );
    if (JSON.stringify(rules) === JSON.stringify(this.#rules)) return;
    await setRules(rules);
    this.#rules = rules;
  }

  /** The usual place, or any other: what matters is that it answers with 204. */
  async #answering(settings: Settings, places: ConnectedPlace[]): Promise<ConnectedPlace | undefined> {
    if (settings.capture !== 'always') return undefined;
    const usual = placeOf(settings.wish, places, settings.trips, Date.now());
    const others = places.filter((place) => place.jkt !== usual?.jkt);
    for (const place of usual ? [usual, ...others] : others) {
      if (place.ended) continue;
      if (await this.reach.check(place)) return place;
    }
    return undefined;
  }
}
