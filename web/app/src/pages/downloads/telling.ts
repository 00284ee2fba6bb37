// SPDX-License-Identifier: Apache-2.0
import { duration, percent, rate, share, size, when } from '../../lib/format';
import { reasonWords } from '../../lib/problems';
import type { IconName } from '../../components/Icon.svelte';
import { words } from '../../words/downloads';
import type { Row } from './rows.svelte';

type State = Row['state'];
const say = words.downloads;

export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'live';

/** A state in a word, with a sign and a tone: never told by colour alone. */
export function stateOf(row: Pick<Row, 'state' | 'reason'>): { words: string; icon: IconName; tone: Tone } {
  if (row.state === 'done' && row.reason === 'complete-unverified')
    return { words: say.state.unproven, icon: 'warning', tone: 'warn' };
  const signs: Record<State, [IconName, Tone]> = {
    scheduled: ['clock', 'plain'],
    waiting: ['clock', 'plain'],
    running: ['downloads', 'live'],
    verifying: ['eye', 'live'],
    publishing: ['folder', 'live'],
    done: ['check', 'good'],
    paused: ['pause', 'plain'],
    held: ['warning', 'warn'],
    failed: ['close', 'bad'],
    cancelled: ['stop', 'plain'],
    expired: ['clock', 'bad'],
  };
  const [icon, tone] = signs[row.state] ?? (['more', 'plain'] as [IconName, Tone]);
  return { words: say.state[row.state] ?? say.state.unknown, icon, tone };
}

/** Seconds until all of it is here, at the present speed. */
export function secondsLeft(row: Row): number | undefined {
  if (!row.size_bytes || !row.bytes_per_s) return undefined;
  return Math.max(0, row.size_bytes - row.received_bytes) / row.bytes_per_s;
}

function amount(row: Row): string[] {
  if (row.size_bytes === undefined) return row.received_bytes > 0 ? [size(row.received_bytes)] : [];
  const part = share(row.received_bytes, row.size_bytes);
  const parts = part === undefined ? [] : [percent(part)];
  return [...parts, say.line.of(size(row.received_bytes), size(row.size_bytes))];
}

function waitingFor(row: Row, zone: string): string[] {
  const next = row.next_run ? when(row.next_run, zone) : '';
  const because = row.reason ? [reasonWords(row.reason)] : [];
  switch (row.waiting_for) {
    case 'window':
      return [next ? say.line.hours(next) : say.line.hoursUnknown];
    case 'slot':
      return [say.line.slot];
    case 'retry':
      return [next ? say.line.retry(next) : say.line.retrySoon, ...because];
    case 'quota':
      return [say.line.quota];
    case 'origin-pause':
      return [next ? say.line.rest(next) : say.line.restSoon];
    default:
      return [say.line.soon];
  }
}

/** What is to be said of a download behind its state, in short parts. */
export function lineOf(row: Row, zone: string): string[] {
  const sizes = row.size_bytes === undefined ? [] : [size(row.size_bytes)];
  const because = row.reason ? [reasonWords(row.reason)] : [];
  const parts: string[] = [];
  switch (row.state) {
    case 'scheduled':
      parts.push(row.next_run ? say.line.starts(when(row.next_run, zone)) : say.line.soon, ...sizes);
      break;
    case 'waiting':
      parts.push(...waitingFor(row, zone), ...(row.received_bytes > 0 ? amount(row) : sizes));
      break;
    case 'running': {
      const left = secondsLeft(row);
      const here = amount(row);
      parts.push(...(here.length > 0 ? here : [say.line.connecting]));
      if (row.bytes_per_s) parts.push(rate(row.bytes_per_s));
      if (left !== undefined && row.bytes_per_s) parts.push(say.line.left(duration(left)));
      break;
    }
    case 'verifying':
      parts.push(say.line.checking);
      break;
    case 'publishing':
      parts.push(say.line.publishing);
      break;
    case 'done':
      parts.push(...(row.ended ? [when(row.ended, zone)] : []), ...sizes);
      break;
    case 'paused':
      parts.push(...amount(row));
      break;
    case 'cancelled':
      parts.push(...(row.ended ? [when(row.ended, zone)] : []));
      break;
    default:
      parts.push(...because, ...(row.ended ? [when(row.ended, zone)] : []));
  }
  if (row.plan === 'cannot') parts.push(say.line.late);
  if (row.plan === 'tight') parts.push(say.line.tight);
  if (row.when?.repeat) parts.push(say.line.repeats);
  return parts;
}

/** Whether a bar says something: some of it is here, or it comes now. */
export function hasBar(row: Row): boolean {
  if (row.state === 'running' || row.state === 'verifying') return true;
  return (row.state === 'paused' || row.state === 'waiting') && row.received_bytes > 0;
}
