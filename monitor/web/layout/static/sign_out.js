// Sign-out: save the draft on the server first, then delete the copies in this browser.

import { deleteDrafts } from "./draft_store.js";
import { toast } from "./toast.js";

const form = document.getElementById("sign-out");
const saves = [];

/** @param ready returns (a promise of) whether everything is saved */
export function beforeSignOut(ready) {
  saves.push(ready);
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const ready = await Promise.all(saves.map((save) => save()));
  if (ready.includes(false)) {
    toast("The server does not respond, so your draft can't be saved. You are still signed in.");
    return;
  }
  deleteDrafts(form.dataset.user);
  form.submit();
});
