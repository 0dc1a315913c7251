// Script of every page: sign-out, dialogs, a pending toast and what was redacted.

import { deleteOldDrafts } from "./draft_store.js";
import "./model_switch.js";
import "./scroll_hint.js";
import "./sign_out.js";
import { showPendingRedactions } from "./redacted.js";
import { showPendingToast } from "./toast.js";

deleteOldDrafts();
document.getElementById("help-button")?.addEventListener("click", () => document.getElementById("help").showModal());
// Enter in a dialog presses its first submit button, so that the one that closes it is none.
for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close(""));
}
showPendingToast();
showPendingRedactions();
