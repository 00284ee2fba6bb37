// SPDX-License-Identifier: Apache-2.0

export type Strength = 'short' | 'weak' | 'fair' | 'good';

const usual = /passw|qwert|asdf|letmein|welcome|admin|secret|1234|abcd/i;

/**
 * A rough idea of how hard a password is to guess, to be shown in words: length counts most, then how many different
 * characters there are; what everybody takes, and one's own name, count little. The place asks for 8 characters only.
 */
export function strengthOf(password: string, name: string): { is: Strength; step: number } {
  if (password.length < 8) return { is: 'short', step: 0 };
  let rest = password.replace(new RegExp(usual, 'gi'), '');
  if (name) rest = rest.split(name).join('');
  const points = rest.length + new Set(rest).size;
  if (points < 16) return { is: 'weak', step: 1 };
  if (points < 24) return { is: 'fair', step: 2 };
  return { is: 'good', step: 3 };
}
