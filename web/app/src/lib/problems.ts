// SPDX-License-Identifier: Apache-2.0
import { problems, reasons, type Problem } from '@restante/sdk';
import { words } from '../words/common';

/** With a capital letter and an end. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (!trimmed) return '';
  const begun = trimmed.charAt(0).toLocaleUpperCase(words.language.code) + trimmed.slice(1);
  return /[.!?…]$/.test(begun) ? begun : begun + '.';
}

/** A reason's words for people ("the content server ended the transfer too early"); the code itself if unknown. */
export function reasonWords(code: string): string {
  const known = { ...reasons, ...problems } as Record<string, { words: string }>;
  return known[code]?.words ?? code;
}

/** How to mend it, as a person in a browser can; empty: nothing has to be done. */
export function remedyWords(code: string): string {
  return (words.remedies as Record<string, string>)[code] ?? '';
}

/** What went wrong and how to mend it, as sentences. Remedies are the web's own: the place's speak of commands. */
export function problemWords(problem: Problem): { what: string; mend: string } {
  if (problem.status === 0) return { what: words.problems.away, mend: words.problems.awayMend };
  const what = sentence(problem.message || reasonWords(problem.reason));
  return { what, mend: sentence(remedyWords(problem.reason) || problem.hint) };
}
