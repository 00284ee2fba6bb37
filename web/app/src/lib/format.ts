// SPDX-License-Identifier: Apache-2.0
import { words } from '../words/common';

const locale = words.language.code;
const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat(locale, { maximumFractionDigits: 1, minimumFractionDigits: 1 });

/** "8.0 MiB". */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? whole.format(value) : fine.format(value)} ${units[unit]}`;
}

/** "16.5 MiB/s". */
export function rate(bytesPerSecond: number): string {
  return `${size(bytesPerSecond)}/s`;
}

/** Of a download: 0 to 1, or undefined if the size is not known. */
export function share(received: number, total: number | undefined): number | undefined {
  return total ? Math.min(1, received / total) : undefined;
}

export function percent(part: number): string {
  return new Intl.NumberFormat(locale, { style: 'percent' }).format(Math.floor(part * 100) / 100);
}

/** "3 min", "1 h 20 min", "2 d 3 h": two parts at most, rounded up to seconds. */
export function duration(seconds: number): string {
  const left = Math.max(1, Math.ceil(seconds));
  const parts: [number, string][] = [
    [Math.floor(left / 86400), words.units.day],
    [Math.floor(left / 3600) % 24, words.units.hour],
    [Math.floor(left / 60) % 60, words.units.minute],
    [left % 60, words.units.second],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + (first === 2 && left >= 600 ? 1 : 2))
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

// Making one costs as much as formatting a hundred times with it, and lists ask for the same few.
const clocks = new Map<string, Intl.DateTimeFormat>();

let placeZone: string | undefined;

/** From now on instants are told by the place's clock, as windows and starts are meant: one clock on all pages. */
export function tellTimesOf(zone: string): void {
  placeZone = zone;
}

function clock(zone: string | undefined, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone ?? ''} ${Object.entries(options).join(' ')}`;
  let made = clocks.get(key);
  if (!made) {
    made = new Intl.DateTimeFormat(locale, { ...options, ...(zone ? { timeZone: zone } : {}) });
    clocks.set(key, made);
  }
  return made;
}

/** An instant (RFC 3339) as people say it: "14:05" today, "Fri 14:05" in the days to come, else with its date. */
export function when(instant: string, zone = placeZone, now = Date.now()): string {
  const at = new Date(instant);
  if (Number.isNaN(at.getTime())) return instant;
  const day = clock(zone, { year: 'numeric', month: '2-digit', day: '2-digit' });
  const time = clock(zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
  if (day.format(at) === day.format(now)) return time;
  if (day.format(at) === day.format(now + 86_400_000)) return `${words.times.tomorrow} ${time}`;
  if (day.format(at) === day.format(now - 86_400_000)) return `${words.times.yesterday} ${time}`;
  if (at.getTime() > now && at.getTime() - now < 6 * 86_400_000)
    return `${clock(zone, { weekday: 'short' }).format(at)} ${time}`;
  return `${clock(zone, { day: 'numeric', month: 'short', year: 'numeric' }).format(at)} ${time}`;
}

/** The whole of it, for titles and details: date, time and zone. */
export function whenExactly(instant: string, zone = placeZone): string {
  const at = new Date(instant);
  if (Number.isNaN(at.getTime())) return instant;
  return clock(zone, { dateStyle: 'full', timeStyle: 'long' }).format(at);
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** All but the last part of a path; empty: there is none. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
