// SPDX-License-Identifier: Apache-2.0
import { words as common } from './common';
import { newDownload } from './en/new';
import { sending } from './en/sending';

export const words = { ...common, newDownload, sending };
