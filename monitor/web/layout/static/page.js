// On every page: signing out, the keys' dialog, and what the page before had to say.

import { forgetOld } from "./draft_store.js";
import "./sign_out.js";
import { toastNow } from "./toast.js";

forgetOld();
document.getElementById("help-button")?.addEventListener("click", () => document.getElementById("help").showModal());
toastNow();
