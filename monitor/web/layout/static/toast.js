// A short message at the bottom that goes by itself, with at most one button.

import { say } from "./announce.js";

const LATER = "driftwarden:later";

export function toast(text, { label = "", key = "", act = null, seconds = 10 } = {}) {
  document.querySelector(".toast")?.remove();
  const box = document.createElement("div");
  box.className = "toast";
  const words = document.createElement("span");
  words.textContent = text;
  box.append(words);
  if (act) {
    const button = document.createElement("button");
    button.type = "button";
    const hint = document.createElement("kbd");
    hint.textContent = key;
    button.append(label, hint);
    button.addEventListener("click", act);
    box.append(button);
  }
  document.body.append(box);
  say(key ? `${text} Press ${key}: ${label}.` : text);
  setTimeout(() => box.contains(document.activeElement) || box.remove(), seconds * 1000);
}

/** Show a message on the page that comes next. */
export function toastLater(text) {
  sessionStorage.setItem(LATER, text);
}

export function toastNow() {
  const text = sessionStorage.getItem(LATER);
  sessionStorage.removeItem(LATER);
  if (text) toast(text);
}
