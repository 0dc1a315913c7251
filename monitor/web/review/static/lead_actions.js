// Actions of leads on an item: reopening, settling a flag.

import { send } from "./api.js";
import { toast, toastOnNextPage } from "./toast.js";

export function bindLeadActions(item) {
  const post = async (action, body = {}) => {
    try {
      await send("POST", `/api/lead/items/${item}/${action}`, body);
      return true;
    } catch (error) {
      toast(error.message);
      return false;
    }
  };
  for (const button of document.querySelectorAll("[data-settle]")) {
    button.addEventListener("click", async () => {
      const action = button.dataset.settle;
      if (!(await post(action))) return;
      toastOnNextPage(action === "confirm-flag" ? `Item ${item} is excluded.` : `Item ${item} is restored.`);
      location.assign(`/review${location.search}`);
    });
  }
  const reopen = document.getElementById("reopen");
  document.querySelector("[data-ask=reopen]")?.addEventListener("click", () => reopen.showModal());
  reopen?.addEventListener("close", async () => {
    if (reopen.returnValue !== "yes") return;
    const { reason } = Object.fromEntries(new FormData(reopen.querySelector("form")));
    if (await post("reopen", { reason })) location.reload();
  });
}
