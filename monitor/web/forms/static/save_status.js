// Where the draft stands: seen all the time, spoken only when it changes for better or worse.

import { say } from "./announce.js";

const place = document.getElementById("saved");
let before = "";

export function showSaving(state, now = new Date()) {
  const time = now.toLocaleTimeString("en-GB");
  place.textContent = { saved: `Saved ${time}`, failing: "Not saved: trying again", refused: "Not saved" }[state] ?? "";
  place.classList.toggle("good", state === "saved");
  place.classList.toggle("bad", state === "failing" || state === "refused");
  if (state && state !== before) say(state === "saved" ? "Draft saved." : "Your draft is not saved. It is kept on this computer.");
  before = state;
}
