// SPDX-License-Identifier: Apache-2.0
export const me = {
  title: 'Me',
};
