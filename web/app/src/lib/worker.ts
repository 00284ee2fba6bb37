// SPDX-License-Identifier: Apache-2.0

interface ScriptAddresses {
  createScriptURL(address: string): string;
}
interface TrustedTypes {
  createPolicy(name: string, rules: ScriptAddresses): ScriptAddresses;
}

/**
 * Begins the service worker (app/sw) when the page has shown what it was asked for. The page's policy wants its address
 * to come from a policy of the name that it permits (Trusted Types); there is one address only.
 */
export function beginWorker(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const rules: ScriptAddresses = { createScriptURL: () => '/sw.js' };
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  const address = (types?.createPolicy('restante', rules) ?? rules).createScriptURL('/sw.js');
  // Without one (a private window, a certificate that the browser does not trust) the app works as well.
  const begin = () => void navigator.serviceWorker.register(address).catch(() => undefined);
  if (document.readyState === 'complete') begin();
  else addEventListener('load', begin, { once: true });
}
