// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.hpp"
#include "api/page.hpp"

namespace restante::api {

namespace {

constexpr std::string_view body = R"html(<p id="about">One moment.</p>
<noscript><p>The code that connects you is the part of the address behind the #. Browsers keep that part to themselves, so
this page needs a script to hand it over. It is the only one here. Without scripts, use the <code>restante</code>
command.</p></noscript>
<p><button id="connect" hidden>Connect this browser</button></p>
<p id="other" hidden>Or connect a computer that has the <code>restante</code> command, instead of this browser:<br>
<code id="line"></code></p>)html";

// The fragment never reaches a server, and is taken out of the address bar and the history at once. Nothing
// happens before the button is pressed: whoever only looks at the page (a preview, a scanner) uses up no
// code. The command line is shown only if it holds nothing that a shell could take for more than a word.
constexpr std::string_view script = R"js((() => {
  const at = id => document.getElementById(id);
  const say = text => { at("about").textContent = text; };
  const whole = location.href, parts = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  const code = parts.get("c"), until = new Date(parts.get("until"));
  if (!code) {
    say("This address is not whole: the part behind the # is missing. Open it again from the message or the QR code.");
    return;
  }
  const stay = isNaN(until) ? "" : " It holds until " + until.toLocaleString() + ".";
  say("You are invited to have downloads done here before you arrive, and to take them from here." + stay);
  at("connect").hidden = false;
  if (/^[\w.:\/#&=\[\]-]+$/.test(whole)) {
    at("line").textContent = "restante place add NAME '" + whole + "'";
    at("other").hidden = false;
  }
  at("connect").onclick = async () => {
    at("connect").disabled = true;
    try {
      const answer = await fetch("/v1/session", {
        method: "POST", cache: "no-store", redirect: "error",
        headers: {"Content-Type": "application/json"}, body: JSON.stringify({code, cookie: true})});
      const said = await answer.json();
      at("connect").hidden = at("other").hidden = true;
      say(answer.ok ? "This browser is connected." + stay : said.detail + " (" + said.hint + ")");
      document.body.dataset.outcome = answer.ok ? "connected" : "refused";
    } catch (error) {
      at("connect").disabled = false;
      say("The place could not be reached. Try again.");
    }
  };
})();)js";

}  // namespace

Task<http::Response> pair_page(Context& context, Call) {
  co_return page_with_script("Connect to " + context.options.place_name, std::string(body), script);
}

}  // namespace restante::api
