// Script of every page: sign-out, the shortcuts dialog, a pending toast and what was redacted.

import { deleteOldDrafts } from "./draft_store.js";
import "./model_switch.js";
import "./sign_out.js";
import { showPendingRedactions } from "./redacted.js";
import { showPendingToast } from "./toast.js";

deleteOldDrafts();
document.getElementById("help-button")?.addEventListener("click", () => document.getElementById("help").showModal());
showPendingToast();
showPendingRedactions();
