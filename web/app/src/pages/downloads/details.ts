// SPDX-License-Identifier: Apache-2.0
import type { Schemas } from '@restante/sdk';
import { when } from '../../lib/format';
import { words } from '../../words/downloads';

type Detail = Schemas['JobDetail'];
const say = words.downloads.details;

/** The place's sentence, without what it says of commands. */
export function plainWhy(why: string): string {
  return why
    .split(/(?<=[.!?])\s+/)
    .map((one) => (one.includes('`') ? one.replace(/;?\s*`[^`]*`[^.;]*/g, '') : one))
    .filter((one) => /\p{L}/u.test(one))
    .join(' ');
}

/** "2026-11-28T01:00:00+01:00[Europe/Paris]" as browsers read it. */
export function instantText(given: string): string {
  return given.replace(/\[[^\]]*\]/g, '');
}

/** What is to be said of its deadline, if something is. */
export function planWords(job: Detail, zone: string): string {
  if (job.plan !== 'tight' && job.plan !== 'cannot') return '';
  const by = job.when?.by;
  return by ? say.plan[job.plan](when(instantText(by), zone)) : (job.plan_reason ?? '');
}

/** Names and instants, in the order in which they come. */
export function timesOf(job: Detail): [string, string][] {
  const all: [string, string | undefined][] = [
    [say.created, job.created],
    [say.start, job.when?.start && instantText(job.when.start)],
    [say.started, job.started],
    [say.next, job.next_run],
    [say.by, job.when?.by && instantText(job.when.by)],
    [say.ended, job.ended],
  ];
  return all.filter((one): one is [string, string] => one[1] !== undefined && one[1] !== '');
}

/** What caused a change, in words; file numbers are counted from 1. */
export function causeWords(row: Detail['history'][number]): string {
  const causes = words.downloads.cause;
  const file = /^file (\d+): (received|begins again|published)$/.exec(row.cause);
  if (file) {
    const number = Number(file[1]) + 1;
    if (file[2] === 'received') return causes.received(number);
    return file[2] === 'published' ? causes.published(number) : causes.again(number);
  }
  const known: Record<string, string> = {
    accepted: causes.accepted,
    due: causes.due,
    slot: causes.slot,
    window: causes.window,
    late: causes.late,
    missed: causes.missed,
    restart: causes.restart,
    looked: causes.looked,
    damaged: causes.damaged,
    'origin-pause': causes.originPause,
    'user:pause': causes['user:pause'],
    'user:resume': causes['user:resume'],
    'user:retry': causes['user:retry'],
    'user:now': causes['user:now'],
    'user:cancel': causes['user:cancel'],
    'user:refresh': causes['user:refresh'],
    'user:change': causes['user:change'],
  };
  return known[row.cause] ?? causes.becomes(words.downloads.state[row.to] ?? words.downloads.state.unknown);
}
