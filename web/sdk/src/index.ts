// SPDX-License-Identifier: Apache-2.0
export { Live, type LiveEvent } from './live';
export { Place, type Account, type Credentials, type Schemas } from './place';
export { Problem, type ProblemCode, type ReasonCode } from './problem';
export { problems, reasons } from './generated/reasons';
export type { paths } from './generated/api';
