// SPDX-License-Identifier: Apache-2.0
// Rules by which the browser itself ends a request and stays on its page (Chromium): sent to a place's /nav204, which answers 204.
// They act without this program, so they are there only while the place is known to answer.
import type { Settings } from '../common/model';
import { patternsBelow } from './wants';

type Rule = chrome.declarativeNetRequest.Rule;
type Condition = chrome.declarativeNetRequest.RuleCondition;

/** Of one rule's expression: Chromium gives each 2 KiB. */
const EXTENSIONS_A_RULE = 12;
/** Above all others: what must not be touched. */
const ALLOW = 100;
const BY_ADDRESS = 20;
const BY_HEAD = 10;
/** From here on: rules for the answer to one form. */
const FIRST_FORM = 500;
/** From here on: rules that go by themselves after a moment. */
const FIRST_PASSING = 1000;

/** Chromium follows rules by the head of an answer. Firefox, which knows other rules too, lets us judge heads ourselves. */
export const rulesAreKnown = (): boolean =>
  chrome.runtime.getManifest().permissions?.includes('declarativeNetRequestWithHostAccess') ?? false;

const types = ['main_frame', 'sub_frame', 'other'] as chrome.declarativeNetRequest.ResourceType[];

/** The sites of the settings, as conditions of which each becomes a rule. */
function sites({ sites: { which, only, never } }: Settings): Condition[] {
  const but: Condition = never.length
    ? { excludedInitiatorDomains: never, excludedRequestDomains: never }
    : {};
  if (which === 'all') return [but];
  return only.length
    ? [
        { ...but, initiatorDomains: only },
        { ...but, requestDomains: only },
      ]
    : [];
}

function byExtension(extensions: string[]): string[] {
  const out: string[] = [];
  for (let at = 0; at < extensions.length; at += EXTENSIONS_A_RULE) {
    const some = extensions.slice(at, at + EXTENSIONS_A_RULE).filter((one) => /^[a-z0-9]{1,12}$/.test(one));
    if (some.length) out.push(`^https?://[^/?#]+/[^?#]*\\.(?:${some.join('|')})(?:[?#]|$)`);
  }
  return out;
}

/** `places`: origins of all connected places, from which nothing is captured; `target`: where captured requests go instead. */
export function rulesFor(settings: Settings, places: string[], target: string): Rule[] {
  const redirect = { type: 'redirect', redirect: { url: target } } as chrome.declarativeNetRequest.RuleAction;
  // What was posted may hold a file of this device, which nobody can send again: see expectForm.
  const requests: Condition = {
    resourceTypes: types,
    requestMethods: ['get' as chrome.declarativeNetRequest.RequestMethod],
  };
  const rules: Omit<Rule, 'id'>[] = places.map((origin) => ({
    priority: ALLOW,
    action: { type: 'allow' as chrome.declarativeNetRequest.RuleActionType },
    condition: { urlFilter: `|${origin}/`, resourceTypes: types },
  }));
  const small =
    settings.smallest > 0 ? [{ header: 'content-length', values: patternsBelow(settings.smallest) }] : [];
  for (const site of sites(settings)) {
    for (const regexFilter of byExtension(settings.extensions)) {
      // How large it is stands in its head only.
      const condition: Condition =
        settings.smallest > 0
          ? {
              responseHeaders: [{ header: 'content-type' }],
              excludedResponseHeaders: [...small, { header: 'content-type', values: ['text/html*'] }],
            }
          : {};
      rules.push({
        priority: BY_ADDRESS,
        action: redirect,
        condition: {
          ...site,
          ...condition,
          regexFilter,
          isUrlFilterCaseSensitive: false,
          resourceTypes: types,
        },
      });
    }
    rules.push({
      priority: BY_HEAD,
      action: redirect,
      condition: {
        ...site,
        ...requests,
        responseHeaders: [
          { header: 'content-disposition', values: ['attachment*', '* attachment*'] },
          ...(settings.types.length
            ? [
                {
                  header: 'content-type',
                  values: settings.types.flatMap((type) =>
                    type.endsWith('*') ? [type] : [type, `${type};*`, `${type} *`],
                  ),
                },
              ]
            : []),
        ],
        ...(small.length ? { excludedResponseHeaders: small } : {}),
      },
    });
  }
  return rules.map((rule, index) => ({ ...rule, id: index + 1 }));
}

async function standing(): Promise<number[]> {
  return (await chrome.declarativeNetRequest.getSessionRules())
    .map((rule) => rule.id)
    .filter((id) => id < FIRST_PASSING);
}

export async function setRules(rules: Rule[]): Promise<void> {
  await chrome.declarativeNetRequest.updateSessionRules({ removeRuleIds: await standing(), addRules: rules });
}

/** By tab: the rules for the form that it sent last. */
const forms = new Map<number, number[]>();
let formsSent = 0;

/** The same by the head of the one thing that a tab posts next, for that long. `rules`: those that stand. */
export async function expectForm(rules: Rule[], tabId: number, lastsMs: number): Promise<void> {
  const tabIds = [tabId];
  const requestMethods = ['post' as chrome.declarativeNetRequest.RequestMethod];
  const addRules = rules
    .filter((rule) => rule.condition.responseHeaders !== undefined)
    .map((rule) => ({
      ...rule,
      id: FIRST_FORM + (formsSent++ % (FIRST_PASSING - FIRST_FORM)),
      condition: { ...rule.condition, tabIds, requestMethods },
    }));
  const ids = addRules.map((rule) => rule.id);
  const removeRuleIds = [...(forms.get(tabId) ?? []), ...ids];
  forms.set(tabId, ids);
  await chrome.declarativeNetRequest.updateSessionRules({ removeRuleIds, addRules });
  setTimeout(() => {
    if (forms.get(tabId) === ids) void forgetForm(tabId);
  }, lastsMs);
}

/** What the tab sends next is another form. */
export async function forgetForm(tabId: number): Promise<void> {
  const removeRuleIds = forms.get(tabId);
  forms.delete(tabId);
  if (removeRuleIds?.length) await chrome.declarativeNetRequest.updateSessionRules({ removeRuleIds });
}

/** Leaves what a tab asks for next to the browser (-1: requests without a tab), for that long. */
export async function letPass(tabs: number[], lastsMs: number): Promise<void> {
  if (!rulesAreKnown()) return;
  const id = FIRST_PASSING + Math.floor(Math.random() * 1_000_000_000);
  const condition = { tabIds: [...new Set(tabs)], resourceTypes: types };
  const action = { type: 'allow' as chrome.declarativeNetRequest.RuleActionType };
  await chrome.declarativeNetRequest.updateSessionRules({
    addRules: [{ id, priority: ALLOW, action, condition }],
  });
  setTimeout(() => void chrome.declarativeNetRequest.updateSessionRules({ removeRuleIds: [id] }), lastsMs);
}

/** Those of a background that was stopped before their time was over. */
export async function forgetPassing(): Promise<void> {
  const rules = await chrome.declarativeNetRequest.getSessionRules();
  const removeRuleIds = rules.map((rule) => rule.id).filter((id) => id >= FIRST_PASSING);
  if (removeRuleIds.length) await chrome.declarativeNetRequest.updateSessionRules({ removeRuleIds });
}
