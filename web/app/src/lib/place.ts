// SPDX-License-Identifier: Apache-2.0
import { Place } from '@restante/sdk';
import { session } from './session.svelte';

/** The place that this page came from: all calls go through it. `done(api.GET(...))` is data, or throws a Problem. */
export const place = new Place({ onSignedOut: () => session.ended() });
export const api = place.api;
export const done = place.done.bind(place);
