// SPDX-License-Identifier: Apache-2.0
import { instantOf, wallOf } from '@restante/sdk/times';
import type { Row } from './rows.svelte';

export type Kind = 'planned' | 'running' | 'finished' | 'failed';

/** What a download takes of time: instants in milliseconds. */
export interface Span {
  row: Row;
  kind: Kind;
  from: number;
  to: number;
}

/** A part of a day, as shares of its 24 hours on the clock. */
export interface Piece {
  span: Span;
  from: number;
  to: number;
  lane: number;
}

export interface Day {
  /** "2026-11-28" */
  date: string;
  spans: Span[];
  pieces: Piece[];
  lanes: number;
  /** Hours in which something may run. */
  open: { from: number; to: number }[];
}

const hour = 3_600_000;
/** What is planned and of unknown length is drawn so long. */
const guessed = hour / 2;
const least = 0.006;

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 24 * hour).toISOString().slice(0, 10);
}

export function dayOf(zone: string, instant: number): string {
  return wallOf(zone, instant).slice(0, 10);
}

/** When it was, is or will be at work; undefined: never, or nobody knows when. */
export function spanOf(row: Row, now: number): Span | undefined {
  const at = (instant: string | undefined) => (instant === undefined ? NaN : Date.parse(instant));
  const started = at(row.started);
  switch (row.state) {
    case 'done':
    case 'failed':
    case 'expired': {
      const to = at(row.ended);
      if (Number.isNaN(to)) return undefined;
      const from = Number.isNaN(started) ? to : Math.min(started, to);
      return { row, kind: row.state === 'done' ? 'finished' : 'failed', from, to };
    }
    case 'running':
    case 'verifying':
    case 'publishing': {
      const from = Number.isNaN(started) ? now : started;
      const left =
        row.size_bytes && row.bytes_per_s
          ? ((row.size_bytes - row.received_bytes) / row.bytes_per_s) * 1000
          : 0;
      return { row, kind: 'running', from, to: now + Math.max(0, left) };
    }
    case 'scheduled':
    case 'waiting': {
      const from = at(row.next_run);
      return Number.isNaN(from)
        ? undefined
        : { row, kind: 'planned', from, to: Math.max(from, now) + guessed };
    }
    default:
      return undefined;
  }
}

function share(zone: string, date: string, instant: number): number {
  const wall = wallOf(zone, instant);
  if (wall.slice(0, 10) < date) return 0;
  if (wall.slice(0, 10) > date) return 1;
  return (Number(wall.slice(11, 13)) * 60 + Number(wall.slice(14, 16))) / 1440;
}

const names = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'] as const;
const ofDay = (time: string) => (Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))) / 1440;

/** The hours of all that is still to come, on one day; those that go past midnight are of the day they begin on. */
function openOn(rows: readonly Row[], date: string): { from: number; to: number }[] {
  const weekday = (day: string) => names[new Date(`${day}T12:00:00Z`).getUTCDay()] ?? 'MO';
  const today = weekday(date);
  const before = weekday(addDays(date, -1));
  const found = new Map<string, { from: number; to: number }>();
  const add = (from: number, to: number) => {
    if (to > from) found.set(`${from}-${to}`, { from, to });
  };
  for (const row of rows) {
    for (const one of row.when?.windows ?? []) {
      const [from, to] = [ofDay(one.from), ofDay(one.to)];
      const isOn = (day: (typeof names)[number]) => !one.days || one.days.includes(day);
      if (isOn(today)) add(from, to > from ? to : 1);
      if (to <= from && isOn(before)) add(0, to);
    }
  }
  return [...found.values()];
}

/** The days of a week that begins with `first`, each with what happens on it. */
export function week(all: Iterable<Row>, first: string, zone: string, now: number): Day[] {
  const begin = instantOf(zone, `${first}T00:00`)?.instant ?? now;
  const end = instantOf(zone, `${addDays(first, 7)}T00:00`)?.instant ?? begin + 7 * 24 * hour;
  const spans: Span[] = [];
  const coming: Row[] = [];
  for (const row of all) {
    const span = spanOf(row, now);
    const isComing = row.state === 'scheduled' || row.state === 'waiting' || row.state === 'running';
    if (isComing && row.when?.windows) coming.push(row);
    if (span && span.to >= begin && span.from < end) spans.push(span);
  }
  spans.sort((a, b) => a.from - b.from);
  // How long a planned one takes is a guess: it is of the day it begins on.
  const dated = spans.map((span) => {
    const begins = dayOf(zone, span.from);
    return { span, begins, ends: span.kind === 'planned' ? begins : dayOf(zone, span.to) };
  });
  const today = dayOf(zone, now);
  return Array.from({ length: 7 }, (_, index) => {
    const date = addDays(first, index);
    const mine = dated.filter((one) => one.begins <= date && one.ends >= date).map((one) => one.span);
    const ends: number[] = [];
    const pieces = mine.map((span) => {
      const from = Math.min(share(zone, date, span.from), 1 - least);
      const to = Math.max(share(zone, date, span.to), from + least);
      let lane = ends.findIndex((free) => free <= from);
      if (lane < 0) lane = ends.length;
      ends[lane] = to;
      return { span, from, to, lane };
    });
    return { date, spans: mine, pieces, lanes: ends.length, open: date >= today ? openOn(coming, date) : [] };
  });
}
