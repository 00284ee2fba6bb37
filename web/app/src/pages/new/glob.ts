// SPDX-License-Identifier: Apache-2.0

/** One character of a pattern, or what stands for many: `*` all but '/', `**` all, `**` before a '/' also nothing. */
type Piece = { one: string } | { any: boolean; skip: boolean };

function piecesOf(pattern: string): Piece[] {
  const out: Piece[] = [];
  const text = [...pattern.toLowerCase()];
  for (let at = 0; at < text.length; ++at) {
    if (text[at] !== '*') {
      out.push({ one: text[at] ?? '' });
      continue;
    }
    const first = at === 0 || text[at - 1] === '/';
    const from = at;
    while (text[at + 1] === '*') at += 1;
    const any = at > from;
    out.push({ any, skip: any && first && text[at + 1] === '/' });
  }
  return out;
}

/** Goes through the text once, whatever the pattern: a page's long names must not stop the one who reads it. */
function fits(pieces: Piece[], text: string): boolean {
  let states = new Set<number>();
  const enter = (to: Set<number>, state: number): void => {
    to.add(state);
    const piece = pieces[state];
    if (!piece || 'one' in piece) return;
    enter(to, state + 1);
    if (piece.skip) enter(to, state + 2);
  };
  enter(states, 0);
  for (const letter of text) {
    const next = new Set<number>();
    for (const state of states) {
      const piece = pieces[state];
      if (!piece) continue;
      if (!('one' in piece)) {
        if (piece.any || letter !== '/') enter(next, state);
      } else if (piece.one === letter || (piece.one === '?' && letter !== '/')) {
        enter(next, state + 1);
      }
    }
    if (next.size === 0) return false;
    states = next;
  }
  return states.has(pieces.length);
}

/**
 * Whether a thing is one of those that a person wants to see: part of its path, or a pattern as the place reads them
 * (src/jobs/glob.hpp): without a '/' for the name, with one for folder and name; small and capital letters are the same.
 */
export function matcher(wanted: string): (folder: string, name: string) => boolean {
  const text = wanted.trim().slice(0, 255);
  const whole = (folder: string, name: string) => (folder ? `${folder}/${name}` : name).toLowerCase();
  if (!text) return () => true;
  if (!/[*?]/.test(text)) return (folder, name) => whole(folder, name).includes(text.toLowerCase());
  const pieces = piecesOf(text);
  const path = text.includes('/');
  return (folder, name) => fits(pieces, path ? whole(folder, name) : name.toLowerCase());
}
