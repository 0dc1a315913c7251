// The review page: everything by keyboard, nothing lost.

import { initialState, send } from "./api.js";
import { Autosave } from "./autosave.js";
import { JudgementForm, isTyping } from "./form.js";

const HEARTBEAT = 60_000;
const DIMENSIONS = ["accuracy", "completeness", "tone", "compliance"];

const initial = initialState();
const element = document.getElementById("review");
const form = new JudgementForm(element, initial.response);
const saved = document.getElementById("saved");
const help = document.getElementById("help");
const flagDialog = document.getElementById("flag");
const path = `/api/items/${initial.id}`;
let active = 0; // the dimension that a digit scores
let leaving = false;

const values = () => Object.fromEntries(new FormData(element));
const autosave = new Autosave(
  (options) => send("PUT", `${path}/draft`, values(), options),
  (text, bad = false) => {
    saved.textContent = text;
    saved.classList.toggle("bad", bad);
  },
);

form.fill(initial.draft);
focusNextScore();
element.addEventListener("input", () => autosave.touch());
setInterval(() => send("POST", `${path}/heartbeat`).catch((refused) => form.complain(refused.message)), HEARTBEAT);

function decide(verdict) {
  form.choose(verdict);
  if (verdict === "accept") {
    for (const name of DIMENSIONS) if (!form.get(name)) form.set(name, "5");
    autosave.touch();
  }
  if (verdict === "correct") {
    form.editor.focus();
    form.editor.setSelectionRange(form.editor.value.length, form.editor.value.length);
  }
  focusNextScore();
}

function focusNextScore() {
  const open = DIMENSIONS.findIndex((name) => !form.get(name));
  mark(open === -1 ? 0 : open);
}

function mark(index) {
  active = index;
  element.querySelectorAll("[data-score]").forEach((field, at) => field.classList.toggle("active", at === index));
}

function score(value) {
  form.set(DIMENSIONS[active], value);
  element.dispatchEvent(new Event("input", { bubbles: true }));
  mark(Math.min(active + 1, DIMENSIONS.length - 1));
}

function move(step) {
  const fields = [...element.querySelectorAll("[data-field]")].filter((field) => !field.hidden);
  const at = fields.findIndex((field) => field.contains(document.activeElement));
  const next = fields[Math.max(0, Math.min(fields.length - 1, at + step))];
  const target = next.querySelector("input:checked, textarea") ?? next.querySelector("input");
  target?.focus();
}

element.addEventListener("focusin", (event) => {
  const field = event.target.closest("[data-score]");
  if (field) mark(DIMENSIONS.indexOf(field.dataset.score));
});

async function goOn() {
  leaving = true;
  const { item } = await send("POST", "/api/items/claim");
  location.assign(item ? `/review/${item}` : "/review");
}

async function act(action) {
  if (leaving) return;
  try {
    leaving = true;
    await autosave.stop();
    await action();
    await goOn();
  } catch (refused) {
    leaving = false;
    form.complain(refused.message);
  }
}

function submit() {
  const unscored = DIMENSIONS.find((name) => !form.get(name));
  const missing = form.missing() || (unscored ? `Score the ${unscored}: 1 to 5.` : "");
  if (missing) {
    form.complain(missing);
    return;
  }
  const scores = Object.fromEntries(DIMENSIONS.map((name) => [name, Number(form.get(name))]));
  act(() => send("POST", `${path}/review`, { ...form.judgement(), ...scores }));
}

const skip = () => act(() => send("POST", `${path}/decline`));

function askToFlag() {
  flagDialog.returnValue = "";
  flagDialog.showModal();
}

flagDialog.addEventListener("close", () => {
  const reason = document.getElementById("flag-reason").value.trim();
  if (flagDialog.returnValue !== "flag") return;
  if (reason) act(() => send("POST", `${path}/flag`, { reason }));
  else form.complain("Say why the item should be taken out.");
});

element.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
element.querySelectorAll("[name=verdict]").forEach((radio) => radio.addEventListener("click", () => decide(radio.value)));
document.getElementById("skip-button").addEventListener("click", skip);
document.getElementById("flag-button").addEventListener("click", askToFlag);
document.getElementById("help-button").addEventListener("click", () => help.showModal());

const keys = {
  a: () => decide("accept"),
  x: () => decide("reject"),
  e: () => decide("correct"),
  s: skip,
  f: askToFlag,
  g: () => document.getElementById("guide").toggleAttribute("open"),
  "?": () => help.showModal(),
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
};

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    submit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (/^[1-5]$/.test(key)) {
    event.preventDefault();
    score(key);
  } else if (keys[key]) {
    event.preventDefault();
    keys[key]();
  }
});
