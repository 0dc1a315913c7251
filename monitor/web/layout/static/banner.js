// A persistent message above the form, with buttons.

import { say } from "./announce.js";
import { button } from "./button.js";
import { hint } from "./hint.js";

const banner = document.getElementById("banner");

/** @param actions [label, an address or a function], the most likely first */
export function showBanner(text, actions, kind = "warn") {
  if (banner.dataset.text === text) {
    hint(text); // it stands there already
    return;
  }
  banner.dataset.text = text;
  const message = document.createElement("p");
  message.textContent = text;
  banner.replaceChildren(message, ...actions.map(([label, act], at) => control(label, act, at === 0)));
  banner.className = `notice banner ${kind}`;
  banner.hidden = false;
  banner.scrollIntoView({ block: "nearest" });
  say(text);
}

export function hideBanner() {
  banner.hidden = true;
  delete banner.dataset.text;
}

function control(label, act, first) {
  const link = typeof act === "string";
  const node = link ? document.createElement("a") : button(label, act);
  if (link) Object.assign(node, { href: act, textContent: label });
  node.className = first ? "button primary" : "button";
  return node;
}
