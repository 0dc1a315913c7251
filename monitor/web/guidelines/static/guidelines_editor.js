// The editor of the guidelines: a text that is not published yet is kept in this browser, for each page apart.

import { button } from "./button.js";
import { LocalDraft, deleteDraft, guidelinesOf, keptTexts, newTab } from "./draft_store.js";

const PAUSE = 200;
const form = document.getElementById("guidelines-form");
const place = document.getElementById("kept-texts");
const { text, base } = form.elements;
const { user, model } = form.dataset;
let local = ownCopy();
let timer = 0;

function ownCopy() {
  const copy = new LocalDraft(user, guidelinesOf(model), newTab());
  copy.park(); // no page overwrites the text of another
  return copy;
}

function keep() {
  clearTimeout(timer);
  const isTyped = "typed" in form.dataset || text.value !== text.defaultValue;
  if (isTyped) local.write({ text: text.value, base: base.value, edited_at: Date.now() });
  else local.remove();
}

/** Fill in a kept text, with its base: where others have published since, that is refused with the difference. */
function use(copy) {
  keep();
  local = ownCopy();
  text.value = copy.values.text;
  base.value = copy.values.base;
  keep();
  deleteDraft(copy.key);
  offer();
  text.focus();
}

/** Offer the texts of other pages that the form doesn't hold. */
function offer() {
  const others = keptTexts(user, model).filter(({ key }) => key !== local.key);
  for (const { key } of others.filter(({ values }) => values.text === text.value)) deleteDraft(key);
  place.replaceChildren(...others.filter(({ values }) => values.text !== text.value).map(notice));
}

function notice(copy) {
  const box = document.createElement("div");
  box.className = "notice warn kept";
  const line = document.createElement("p");
  const time = new Date(copy.values.edited_at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
  line.textContent = `A text that was not published is kept in this browser: ${time}, ${copy.values.text.length.toLocaleString("en-GB")} characters.`;
  const actions = document.createElement("div");
  actions.className = "actions";
  const remove = () => {
    deleteDraft(copy.key);
    offer();
  };
  actions.append(button("Use it", () => use(copy)), button("Remove", remove));
  box.append(line, actions);
  return box;
}

text.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(keep, PAUSE);
});
addEventListener("pagehide", keep);
offer();
keep();
