// SPDX-License-Identifier: Apache-2.0
import { words as common } from './common';
import { operator } from './en/operator';

export const words = { ...common, operator };
