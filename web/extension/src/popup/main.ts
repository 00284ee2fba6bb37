// SPDX-License-Identifier: Apache-2.0
import { mount } from 'svelte';
import '../../../styles/pico.scss';
import '../../../styles/tokens.css';
import '../../../styles/base.css';
import Popup from './Popup.svelte';

mount(Popup, { target: document.getElementById('page')! });
