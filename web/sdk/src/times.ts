// SPDX-License-Identifier: Apache-2.0

/** A time on the clock of some zone: "2026-11-28T01:00". */
export type WallTime = string;

const minute = 60_000;

function fields(zone: string, instant: number): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(instant);
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value);
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
}

/** How far the clocks of a zone are ahead of UTC at an instant, in milliseconds. */
function ahead(zone: string, instant: number): number {
  return fields(zone, instant) - Math.floor(instant / 1000) * 1000;
}

/**
 * The instant of a wall time, by the rules of RFC 5545 §3.3.5: what exists twice is the first of both; what does not
 * exist is counted with the offset from before the gap.
 */
export function instantOf(zone: string, wall: WallTime): { instant: number; offset: number } | undefined {
  const read = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::\d\d(?:\.\d+)?)?$/.exec(wall);
  if (!read) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minutes = 0] = read.slice(1).map(Number);
  const local = Date.UTC(year, month - 1, day, hour, minutes);
  // Every offset lies within a day; before and after the time there are the two that can be meant.
  const before = ahead(zone, local - 86_400_000);
  const after = ahead(zone, local + 86_400_000);
  for (const offset of before === after ? [before] : [before, after])
    if (ahead(zone, local - offset) === offset) return { instant: local - offset, offset };
  return { instant: local - before, offset: before };
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** What the clock of a zone shows at an instant, to the minute. */
export function wallOf(zone: string, instant: number): WallTime {
  return new Date(fields(zone, instant)).toISOString().slice(0, 16);
}

/** As a request says it (RFC 3339 with the zone of RFC 9557): "2026-11-28T01:00:00+01:00[Europe/Paris]". */
export function told(zone: string, wall: WallTime): string | undefined {
  const found = instantOf(zone, wall);
  if (!found) return undefined;
  const shown = new Date(found.instant + found.offset).toISOString().slice(0, 19);
  const size = Math.abs(found.offset) / minute;
  const sign = found.offset < 0 ? '-' : '+';
  return `${shown}${sign}${two(Math.floor(size / 60))}:${two(Math.floor(size % 60))}[${zone}]`;
}

/** The next time that a zone's clocks show this hour. */
export function nextAt(zone: string, time: string, now = Date.now()): WallTime {
  const today = wallOf(zone, now).slice(0, 10);
  const first = `${today}T${time}`;
  const found = instantOf(zone, first);
  if (found && found.instant > now) return first;
  const tomorrow = new Date(Date.parse(`${today}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
  return `${tomorrow}T${time}`;
}

/** The device's own zone, if the browser tells it. */
export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

/** Whether both zones show the same on their clocks then. */
export function sameClock(one: string, other: string, instant: number): boolean {
  return ahead(one, instant) === ahead(other, instant);
}
