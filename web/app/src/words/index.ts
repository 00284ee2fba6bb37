// SPDX-License-Identifier: Apache-2.0
import { en } from './en';

/**
 * Every word that people see. A translation is another object of the type `Words`, in a folder beside en/; what has
 * numbers or names in it is a function, so that each language can put them in its own order.
 */
export type Words = typeof en;
export const words: Words = en;
