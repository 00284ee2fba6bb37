// SPDX-License-Identifier: Apache-2.0
import { browse } from './browse';
import { common } from './common';
import { downloads } from './downloads';
import { files } from './files';
import { connect, me, signIn } from './me';
import { newDownload } from './new';
import { operator } from './operator';
import { remedies } from './remedies';
import { sending } from './sending';

export const en = {
  ...common,
  remedies,
  downloads,
  newDownload,
  browse,
  sending,
  files,
  me,
  signIn,
  connect,
  operator,
};
