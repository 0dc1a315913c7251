// The save status of the draft: always visible, announced on changes only.

import { say } from "./announce.js";

const place = document.getElementById("saved");
let before = "";

export function showSaveStatus(state, now = new Date()) {
  const time = now.toLocaleTimeString("en-GB");
  place.textContent = { saved: `Saved ${time}`, failing: "Not saved: retrying", refused: "Not saved" }[state] ?? "";
  place.classList.toggle("good", state === "saved");
  place.classList.toggle("bad", state === "failing" || state === "refused");
  if (state && state !== before) say(state === "saved" ? "Draft saved." : "Your draft is not saved on the server. It is saved in this browser.");
  before = state;
}
