// What a lead does with an item: reopen what was decided, settle a flag.

import { send } from "./api.js";
import { toast, toastLater } from "./toast.js";

export function leadButtons(item) {
  const post = async (what, body = {}) => {
    try {
      await send("POST", `/api/lead/items/${item}/${what}`, body);
      return true;
    } catch (refused) {
      toast(refused.message);
      return false;
    }
  };
  for (const button of document.querySelectorAll("[data-settle]")) {
    button.addEventListener("click", async () => {
      const what = button.dataset.settle;
      if (!(await post(what))) return;
      toastLater(what === "confirm-flag" ? `Item ${item} was taken out.` : `Item ${item} is back where it was.`);
      location.assign("/review");
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
