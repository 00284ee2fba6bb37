// SPDX-License-Identifier: Apache-2.0
import { common } from './en/common';
import { remedies } from './en/remedies';

/** What is said on every page. Each page has a file of words of its own beside this one, loaded with it. */
export const words = { ...common, remedies };
