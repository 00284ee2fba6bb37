// SPDX-License-Identifier: Apache-2.0
import { words as common } from './common';
import { downloads } from './en/downloads';

export const words = { ...common, downloads };
