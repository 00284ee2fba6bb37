// SPDX-License-Identifier: Apache-2.0
import type { en } from './en';

/**
 * Every word that people see. A translation is another object of this type, in a folder beside en/; what has numbers or
 * names in it is a function, so that each language can put them in its own order. Pages take theirs from the file of
 * their name beside this one (`common` is what all say), so that the first load stays small.
 */
export type Words = typeof en;
