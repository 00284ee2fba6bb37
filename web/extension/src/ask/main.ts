// SPDX-License-Identifier: Apache-2.0
import { mount } from 'svelte';
import '../../../styles/pico.scss';
import '../../../styles/tokens.css';
import '../../../styles/base.css';
import Ask from './Ask.svelte';

mount(Ask, { target: document.getElementById('page')! });
