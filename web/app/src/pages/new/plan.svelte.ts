// SPDX-License-Identifier: Apache-2.0
import { instantOf, nextAt, told, wallOf } from '@restante/sdk/times';

export const weekdays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const;
export type Weekday = (typeof weekdays)[number];
export type Start = 'given' | 'now' | 'tonight' | 'at' | 'between';
export type Every = 'never' | 'day' | 'week' | 'month';
export type Until = 'ever' | 'times' | 'date';

/** The hour in which the place's nights are quiet. */
const night = '01:00';

/** What a request says of its times (contract/proxy.schema.json: when). */
export interface When {
  tz: string;
  start?: string;
  by?: string;
  windows?: { from: string; to: string; days?: Weekday[] }[];
  repeat?: string;
}

/** Which field a fault belongs to. */
export type PlanFault = 'at' | 'over' | 'between' | 'by' | 'repeat' | 'days' | 'day' | 'times' | 'until';

/** When a download shall run, as a person chooses it; every time is meant at the place. */
export class Plan {
  start = $state<Start>('now');
  at = $state('');
  from = $state('23:00');
  to = $state('06:00');
  days = $state<Weekday[]>([]);
  by = $state('');
  every = $state<Every>('never');
  #on = $state<Weekday[]>();
  #day = $state<number>();
  until = $state<Until>('ever');
  times = $state(10);
  last = $state('');
  readonly zone: string;

  constructor(zone: string) {
    this.zone = zone;
  }

  /** When it begins, if that is not now. */
  get begins(): string | undefined {
    if (this.start === 'tonight') return nextAt(this.zone, night);
    return this.start === 'at' && this.at ? this.at : undefined;
  }

  /** The day on which it begins: "2026-11-28". */
  get #first(): string {
    return (this.begins ?? wallOf(this.zone, Date.now())).slice(0, 10);
  }

  /** The days of a weekly one: that of its start until the person says others. */
  get on(): Weekday[] {
    if (this.#on) return this.#on;
    const first = weekdays[(new Date(`${this.#first}T00:00:00Z`).getUTCDay() + 6) % 7];
    return first ? [first] : [];
  }

  set on(days: Weekday[]) {
    this.#on = days;
  }

  /** The day of a monthly one, likewise. */
  get day(): number {
    return this.#day === undefined ? Number(this.#first.slice(8)) : this.#day;
  }

  set day(day: number) {
    this.#day = day;
  }

  faults(now = Date.now()): PlanFault[] {
    const out: PlanFault[] = [];
    if (this.start === 'at' && !told(this.zone, this.at)) out.push('at');
    // The minute that runs is still to be had.
    const at = this.start === 'at' ? instantOf(this.zone, this.at) : undefined;
    if (at && at.instant + 60_000 <= now) out.push('over');
    if (this.start === 'between' && (!this.from || !this.to || this.from === this.to)) out.push('between');
    const by = this.by ? told(this.zone, this.by) : undefined;
    if (this.by && (!by || Date.parse(by.replace(/\[.*/, '')) <= now)) out.push('by');
    if (this.every === 'never') return out;
    if (this.every === 'week' && this.on.length === 0) out.push('days');
    if (this.every === 'month' && !(this.day >= 1 && this.day <= 31)) out.push('day');
    if (this.until === 'times' && !(this.times >= 1 && this.times <= 999)) out.push('times');
    if (this.until === 'date' && !this.last) out.push('until');
    return out;
  }

  /** RFC 5545 §3.3.10, in the part that places understand (FORMATS.md §2). */
  #rule(): string {
    const parts: string[] = [];
    if (this.every === 'day') parts.push('FREQ=DAILY');
    if (this.every === 'week') {
      const chosen = weekdays.filter((one) => this.on.includes(one));
      parts.push('FREQ=WEEKLY', `BYDAY=${chosen.join(',')}`);
    }
    if (this.every === 'month') parts.push('FREQ=MONTHLY', `BYMONTHDAY=${this.day}`);
    if (this.until === 'times') parts.push(`COUNT=${this.times}`);
    if (this.until === 'date') parts.push(`UNTIL=${endOf(this.zone, this.last)}`);
    return parts.join(';');
  }

  /** undefined: now, once. Call it only where there is no fault. */
  when(now = Date.now()): When | undefined {
    const out: When = { tz: this.zone };
    // A repetition counts from its start: the minute that runs now.
    const begins = this.begins ?? (this.every === 'never' ? undefined : wallOf(this.zone, now));
    const start = begins ? told(this.zone, begins) : undefined;
    if (start) out.start = start;
    const by = this.by ? told(this.zone, this.by) : undefined;
    if (by) out.by = by;
    if (this.start === 'between') {
      const days = weekdays.filter((one) => this.days.includes(one));
      out.windows = [{ from: this.from, to: this.to, ...(days.length > 0 ? { days } : {}) }];
    }
    if (this.every !== 'never') out.repeat = this.#rule();
    return out.start || out.by || out.windows ? out : undefined;
  }
}

/** The end of a day at the place, as a rule says it: "20261231T225900Z". */
function endOf(zone: string, day: string): string {
  const found = instantOf(zone, `${day}T23:59`);
  return found ? new Date(found.instant).toISOString().replace(/[-:]|\.\d+/g, '') : '';
}
