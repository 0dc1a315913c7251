// After a review was sent, the next page offers to take it back, until the colleague's is in too.

import { send } from "./api.js";
import { toast } from "./toast.js";

const KEY = "driftwarden:submitted";
const OFFER = 10 * 60_000;

export function noteSubmitted(item) {
  sessionStorage.setItem(KEY, JSON.stringify({ item, at: Date.now() }));
}

/** Offer it once, in sight for some seconds; U works for longer. */
export function offerUndo() {
  const last = lastSubmitted();
  if (!last || last.offered) return;
  sessionStorage.setItem(KEY, JSON.stringify({ ...last, offered: true }));
  toast(`Item ${last.item} submitted.`, { label: "Undo", key: "U", act: () => takeBack() });
}

export async function takeBack(item = lastSubmitted()?.item) {
  if (!item) {
    toast("There is nothing to take back.", { seconds: 4 });
    return;
  }
  try {
    await send("DELETE", `/api/items/${item}/review`);
  } catch (refused) {
    if (!refused.passes) sessionStorage.removeItem(KEY);
    toast(refused.message);
    return;
  }
  sessionStorage.removeItem(KEY);
  location.assign(`/review/${item}`);
}

function lastSubmitted() {
  const last = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  return last && Date.now() - last.at < OFFER ? last : null;
}
