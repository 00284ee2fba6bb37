// SPDX-License-Identifier: Apache-2.0
import { words as common } from './common';
import { connect, signIn } from './en/me';

export const words = { ...common, connect, signIn };
