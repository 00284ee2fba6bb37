// SPDX-License-Identifier: Apache-2.0
import { words as common } from './common';
import { me } from './en/me';

export const words = { ...common, me };
