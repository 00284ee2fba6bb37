// SPDX-License-Identifier: Apache-2.0
import { words as common } from './common';
import { files } from './en/files';

export const words = { ...common, files };
