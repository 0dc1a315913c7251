// Undo of the last submission, offered on the next page while the server allows it.

import { send } from "./api.js";
import { toast, toastOnNextPage } from "./toast.js";

const KEY = "driftwarden:submitted";
const OFFER = 10 * 60_000;

/** Return the API path to withdraw a review, and the page to return to. */
export function submittedReview(item) {
  return { item, path: `/api/items/${item}/review`, back: `/review/${item}` };
}

export function rememberSubmission(submitted) {
  sessionStorage.setItem(KEY, JSON.stringify({ ...submitted, at: Date.now() }));
}

/** Remember a step that U doesn't undo, with what it says instead. */
export function rememberFinal(reason) {
  sessionStorage.setItem(KEY, JSON.stringify({ reason, offered: true, at: Date.now() }));
}

/** Offer undo once, in a toast; the U key works for longer. */
export function offerUndo(undo = () => withdraw()) {
  const last = lastSubmitted();
  if (!last || last.offered) return;
  sessionStorage.setItem(KEY, JSON.stringify({ ...last, offered: true }));
  toast(`Item ${last.item} submitted.`, { label: "Undo", key: "U", act: undo });
}

/**
 * Open a submitted item again, by default the last one.
 *
 * @param atWork the item of the page and its draft: {item, draft}. It is released if nothing was typed.
 */
export async function withdraw(submitted = lastSubmitted(), atWork = null) {
  if (!submitted) {
    const isOld = sessionStorage.getItem(KEY) !== null;
    toast(
      isOld
        ? "The last submission was more than ten minutes ago. Submitted lists your reviews."
        : "There is nothing to undo: nothing was submitted in this tab since the last undo.",
    );
    return;
  }
  if (submitted.reason) {
    toast(submitted.reason);
    return;
  }
  try {
    await atWork?.draft.autosave.flush(); // a later save would put this item first again
    const { released } = await send("DELETE", submitted.path + (atWork ? `?at_work=${atWork.item}` : ""));
    const rest = !atWork ? "" : released ? ` Item ${atWork.item} is back in the queue.` : ` Item ${atWork.item} stays reserved for you, with its draft.`;
    toastOnNextPage(`Item ${submitted.item} is open again.${rest}`);
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
