// Declining of an item: the button, and the dialog that asks for a reason.

import { send } from "./api.js";
import { toastOnNextPage } from "./toast.js";
import { rememberFinal } from "./undo.js";

const dialog = document.getElementById("decline");

/**
 * @param item the number of the item
 * @param path of the item in the API
 * @param act runs an action on the current item, from createSubmission
 * @returns a function that asks
 */
export function createDecline({ item, path, act }) {
  const ask = () => {
    dialog.returnValue = "";
    dialog.showModal();
  };
  document.getElementById("decline-button").addEventListener("click", ask);
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "decline") return;
    const reason = new FormData(dialog.querySelector("form")).get("reason").trim() || "Not for me";
    act(async () => {
      await send("POST", `${path}/decline`, { reason });
      rememberFinal(`You declined item ${item}, which can't be undone. Submitted lists your reviews.`);
      toastOnNextPage(`Item ${item} goes to another reviewer.`);
    });
  });
  return ask;
}
