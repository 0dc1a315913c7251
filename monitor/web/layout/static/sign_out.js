// Signing out: what is typed goes to the server first, then no customer's text stays in this browser.

import { forget } from "./draft_store.js";
import { toast } from "./toast.js";

const form = document.getElementById("sign-out");
const waits = [];

/** @param ready a function that returns (a promise of) whether all is saved */
export function beforeSignOut(ready) {
  waits.push(ready);
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const ready = await Promise.all(waits.map((one) => one()));
  if (ready.includes(false)) {
    toast("The server doesn't answer, so what you typed can't be saved. You are still signed in.");
    return;
  }
  forget(form.dataset.person);
  form.submit();
});
