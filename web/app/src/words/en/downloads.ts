// SPDX-License-Identifier: Apache-2.0
export const downloads = {
  title: 'Downloads',
};
