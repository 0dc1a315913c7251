// What the server replaced in a text that the user typed: kinds, and the text as it is stored.

import { say } from "./announce.js";

const LATER = "driftwarden:redacted";
const EXCERPT = 600;

const box = document.getElementById("redacted");
let shown = "";

/**
 * @param replacements of a response: field, kinds and stored text of each; undefined: none
 * @param isDraft whether the text can still be edited on this page; else the next page shows it too
 * @param item the number of the item, which the next page names
 */
export function noteRedactions(replacements, { isDraft, item }) {
  if (!replacements?.length) {
    if (isDraft && shown) hide();
    return;
  }
  if (!isDraft) sessionStorage.setItem(LATER, JSON.stringify({ replacements, item }));
  show(replacements, isDraft ? "is saved without it" : "is stored without it");
}

/** Show what was replaced in a text that the page before submitted. */
export function showPendingRedactions() {
  box.querySelector("button").addEventListener("click", hide);
  const url = new URL(location.href);
  if (url.searchParams.has("redacted")) {
    url.searchParams.delete("redacted");
    history.replaceState(history.state, "", url); // a reload doesn't repeat it
    say(box.querySelector("p")?.textContent ?? "");
  }
  const pending = JSON.parse(sessionStorage.getItem(LATER) ?? "null");
  sessionStorage.removeItem(LATER);
  if (pending) show(pending.replacements, "is stored without it", pending.item);
}

function show(replacements, what, item) {
  const text = JSON.stringify([replacements, what, item]);
  if (shown === text && !box.hidden) return;
  const isNew = !shown;
  shown = text;
  const head = document.createElement("p");
  const whose = item ? `Your text on item ${item}` : "Your text";
  head.textContent = `${whose} contained personal data and ${what}.`;
  const list = document.createElement("ul");
  list.append(...replacements.map(line));
  box.querySelector("div").replaceChildren(head, list);
  box.hidden = false;
  if (isNew) say(head.textContent);
}

function line({ field, kinds, stored }) {
  const item = document.createElement("li");
  const counts = Object.entries(kinds).map(([kind, n]) => `${n} × [${kind}]`).join(", ");
  const name = field.replaceAll("_", " ");
  item.textContent = `${name}: ${counts}. As stored: `;
  const quote = document.createElement("q");
  quote.dir = "auto";
  quote.textContent = stored.length > EXCERPT ? `${stored.slice(0, EXCERPT)}…` : stored;
  item.append(quote);
  return item;
}

function hide() {
  box.hidden = true;
  shown = "";
}
