// SPDX-License-Identifier: Apache-2.0
import { words as common } from './common';
import { travel } from './en/travel';

export const words = { ...common, travel };
