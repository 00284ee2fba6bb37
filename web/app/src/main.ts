// SPDX-License-Identifier: Apache-2.0
import { mount } from 'svelte';
import '../../styles/pico.scss';
import '../../styles/tokens.css';
import '../../styles/base.css';
import App from './App.svelte';
import { beginWorker } from './lib/worker';
import { words } from './words/common';

document.documentElement.lang = words.language.code;
document.documentElement.dir = words.language.direction;
mount(App, { target: document.querySelector('#app') as HTMLElement });
beginWorker();
