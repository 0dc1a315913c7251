// A short message in a line of its own under the top bar, with at most one button. It disappears.

import { say } from "./announce.js";

const LATER = "driftwarden:later";
const place = document.getElementById("notes");

export function toast(text, { label = "", key = "", act = null, seconds = 10 } = {}) {
  place.querySelector(".toast")?.remove();
  const box = document.createElement("div");
  box.className = "toast";
  const message = document.createElement("span");
  message.textContent = text;
  box.append(message);
  if (act) {
    const button = document.createElement("button");
    button.type = "button";
    const hint = document.createElement("kbd");
    hint.textContent = key;
    button.append(label, hint);
    button.addEventListener("click", act);
    box.append(button);
  }
  place.classList.toggle("floating", scrollY > 0);
  place.prepend(box);
  say(key ? `${text} Press ${key}: ${label}.` : text);
  setTimeout(() => box.contains(document.activeElement) || box.remove(), seconds * 1000);
}

/** Show a message on the next page. */
export function toastOnNextPage(text) {
  sessionStorage.setItem(LATER, text);
}

export function showPendingToast() {
  const text = sessionStorage.getItem(LATER);
  sessionStorage.removeItem(LATER);
  if (text) toast(text);
}
