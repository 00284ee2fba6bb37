// SPDX-License-Identifier: Apache-2.0

/**
 * JSON in which no object has a name twice (RFC 7493 §2.3): `JSON.parse` would take the last one, others the first.
 * Error: SyntaxError.
 */
export function parseOnce(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const open: (Set<string> | undefined)[] = [];
  let last: string | undefined;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':' && last !== undefined) {
      const name = JSON.parse(last) as string;
      const names = open.at(-1);
      if (names?.has(name)) throw new SyntaxError(`${last} stands twice in an object`);
      names?.add(name);
    }
    last = token.startsWith('"') ? token : undefined;
  }
  return value;
}
