// SPDX-License-Identifier: Apache-2.0
export const files = {
  title: 'My files',
};
