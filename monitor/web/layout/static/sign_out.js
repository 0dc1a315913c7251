// Sign-out: save the draft on the server first, then delete the copies in this browser.

import { deleteDrafts } from "./draft_store.js";
import { toast } from "./toast.js";

const form = document.getElementById("sign-out");
const saves = [];

/** @param ready returns (a promise of) why the user stays signed in; empty where everything is saved */
export function beforeSignOut(ready) {
  saves.push(ready);
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const reasons = (await Promise.all(saves.map((save) => save()))).filter(Boolean);
  if (reasons.length) {
    toast(`${reasons[0]} You are still signed in.`);
    return;
  }
  deleteDrafts(form.dataset.user);
  form.submit();
});
