// The page of a read-only item: submitted, flagged or excluded.

import { initialState } from "./api.js";
import { leaveGuidelines, toggleGuidelines } from "./guidelines.js";
import { listen } from "./keys.js";
import { bindLeadActions } from "./lead_actions.js";
import { submittedReview, withdraw } from "./undo.js";

const initial = initialState();
bindLeadActions(initial.id);
const back = () => withdraw(submittedReview(initial.id));

document.getElementById("undo-button")?.addEventListener("click", back);
listen({
  text: document.getElementById("conversation"),
  actions: {
    Escape: leaveGuidelines,
    g: toggleGuidelines,
    "?": () => document.getElementById("help").showModal(),
    u: initial.state === "submitted" ? back : () => "The item is withdrawn from review: nothing can be undone here.",
  },
});
