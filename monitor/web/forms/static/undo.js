// Undo of the last submission, offered on the next page while the server allows it.

import { send } from "./api.js";
import { toast } from "./toast.js";

const KEY = "driftwarden:submitted";
const OFFER = 10 * 60_000;

/** Return the API path to withdraw a review, and the page to return to. */
export function submittedReview(item) {
  return { item, path: `/api/items/${item}/review`, back: `/review/${item}` };
}

export function rememberSubmission(submitted) {
  sessionStorage.setItem(KEY, JSON.stringify({ ...submitted, at: Date.now() }));
}

/** Offer undo once, in a toast; the U key works for longer. */
export function offerUndo() {
  const last = lastSubmitted();
  if (!last || last.offered) return;
  sessionStorage.setItem(KEY, JSON.stringify({ ...last, offered: true }));
  toast(`Item ${last.item} submitted.`, { label: "Undo", key: "U", act: () => withdraw() });
}

export async function withdraw(submitted = lastSubmitted()) {
  if (!submitted) {
    toast("There is nothing to undo.", { seconds: 4 });
    return;
  }
  try {
    await send("DELETE", submitted.path);
  } catch (error) {
    if (!error.isTransient) sessionStorage.removeItem(KEY);
    toast(error.message);
    return;
  }
  sessionStorage.removeItem(KEY);
  location.assign(submitted.back);
}

function lastSubmitted() {
  const last = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  return last && Date.now() - last.at < OFFER ? last : null;
}
