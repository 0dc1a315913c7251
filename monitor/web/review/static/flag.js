// Flagging of an item: the button, and the dialog that asks for the reason.

import { send } from "./api.js";
import { toastOnNextPage } from "./toast.js";
import { rememberFinal } from "./undo.js";

const dialog = document.getElementById("flag");

/**
 * @param item the number of the item
 * @param path of the item in the API
 * @param act runs an action on the item, and goes to the next one
 * @returns a function that asks
 */
export function createFlag({ item, path, act }) {
  const ask = () => {
    dialog.returnValue = "";
    dialog.showModal();
  };
  document.getElementById("flag-button").addEventListener("click", ask);
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "flag") return;
    const chosen = new FormData(dialog.querySelector("form"));
    const reason = [chosen.get("reason"), chosen.get("details").trim()].filter(Boolean).join(": ");
    act(async () => {
      await send("POST", `${path}/flag`, { reason });
      rememberFinal(`You flagged item ${item}, which only a lead can take back. Submitted lists your reviews.`);
      toastOnNextPage(`Item ${item} is flagged. A lead will decide.`);
    });
  });
  return ask;
}
