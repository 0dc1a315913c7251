// A message above the form that stays until it is dealt with, with buttons.

import { say } from "./announce.js";

const banner = document.getElementById("banner");

/** @param actions [label, what it does: an address, or a function], the first the likeliest */
export function showBanner(text, actions, kind = "warn") {
  if (banner.dataset.text === text) return;
  banner.dataset.text = text;
  const words = document.createElement("p");
  words.textContent = text;
  banner.replaceChildren(words, ...actions.map(([label, act], at) => control(label, act, at === 0)));
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
  const node = document.createElement(link ? "a" : "button");
  if (link) node.href = act;
  else {
    node.type = "button";
    node.addEventListener("click", () => act(node));
  }
  node.textContent = label;
  node.className = first ? "button primary" : "button";
  return node;
}
