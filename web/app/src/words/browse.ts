// SPDX-License-Identifier: Apache-2.0
import { common } from './en/common';
import { browse } from './en/browse';

export const words = { ...common, browse };
