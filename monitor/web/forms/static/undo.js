// After something was submitted, the next page offers to take it back, as long as the server allows it.

import { send } from "./api.js";
import { toast } from "./toast.js";

const KEY = "driftwarden:submitted";
const OFFER = 10 * 60_000;

/** Where a review is taken back, and where one goes on then. */
export function reviewOf(item) {
  return { item, path: `/api/items/${item}/review`, back: `/review/${item}` };
}

export function noteSubmitted(submitted) {
  sessionStorage.setItem(KEY, JSON.stringify({ ...submitted, at: Date.now() }));
}

/** Offer it once, in sight for some seconds; U works for longer. */
export function offerUndo() {
  const last = lastSubmitted();
  if (!last || last.offered) return;
  sessionStorage.setItem(KEY, JSON.stringify({ ...last, offered: true }));
  toast(`Item ${last.item} submitted.`, { label: "Undo", key: "U", act: () => takeBack() });
}

export async function takeBack(submitted = lastSubmitted()) {
  if (!submitted) {
    toast("There is nothing to take back.", { seconds: 4 });
    return;
  }
  try {
    await send("DELETE", submitted.path);
  } catch (refused) {
    if (!refused.passes) sessionStorage.removeItem(KEY);
    toast(refused.message);
    return;
  }
  sessionStorage.removeItem(KEY);
  location.assign(submitted.back);
}

function lastSubmitted() {
  const last = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  return last && Date.now() - last.at < OFFER ? last : null;
}
