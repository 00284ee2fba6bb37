// SPDX-License-Identifier: Apache-2.0
import { Problem, type Schemas } from '@restante/sdk';
import { api, done } from '../../lib/place';
import { problemWords } from '../../lib/problems';
import { rows, type Row } from './rows.svelte';

export const acts = ['resume', 'retry', 'now', 'pause', 'cancel', 'remove'] as const;
export type Act = (typeof acts)[number];

const allowed: Record<Act, readonly Row['state'][]> = {
  pause: ['scheduled', 'waiting', 'running', 'verifying'],
  resume: ['paused', 'held'],
  retry: ['failed', 'expired'],
  now: ['scheduled', 'waiting'],
  cancel: ['scheduled', 'waiting', 'running', 'verifying', 'paused', 'held'],
  remove: ['done', 'failed', 'cancelled', 'expired'],
};

export function can(act: Act, row: Row): boolean {
  return allowed[act].includes(row.state);
}

/** What is offered first. */
export function firstAct(row: Row): Act | undefined {
  if (can('resume', row)) return 'resume';
  if (can('retry', row)) return 'retry';
  if (row.state === 'scheduled' || (row.state === 'waiting' && row.waiting_for !== 'slot')) return 'now';
  return can('pause', row) ? 'pause' : undefined;
}

const calls: Record<Exclude<Act, 'remove'>, (job: string) => Promise<Schemas['Job']>> = {
  pause: (job) => done(api.POST('/v1/jobs/{job}:pause', { params: { path: { job } } })),
  resume: (job) => done(api.POST('/v1/jobs/{job}:resume', { params: { path: { job } } })),
  retry: (job) => done(api.POST('/v1/jobs/{job}:retry', { params: { path: { job } } })),
  now: (job) => done(api.POST('/v1/jobs/{job}:now', { params: { path: { job } } })),
  cancel: (job) => done(api.POST('/v1/jobs/{job}:cancel', { params: { path: { job } } })),
};

/** Asks the place; the list is told what it answered. Throws a Problem. */
export async function act(what: Act, job: string): Promise<void> {
  if (what === 'remove') {
    await done(api.DELETE('/v1/jobs/{job}', { params: { path: { job } } }));
    rows.forget(job);
  } else {
    rows.put(await calls[what](job));
  }
}

export interface Outcome {
  well: number;
  /** Those that could not be changed, with the reason in words. */
  badly: { name: string; why: string }[];
}

const atOnce = 4;

/** The same for many, at most four requests at a time; goes on when one is refused. */
export async function actOnAll(
  what: Act,
  jobs: readonly string[],
  told: (ended: number) => void,
): Promise<Outcome> {
  const outcome: Outcome = { well: 0, badly: [] };
  let next = 0;
  const lane = async () => {
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
      const name = rows.get(job)?.name ?? job;
      try {
        await act(what, job);
        outcome.well += 1;
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        outcome.badly.push({ name, why: problemWords(problem).what });
      }
      told(outcome.well + outcome.badly.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, jobs.length) }, lane));
  return outcome;
}
