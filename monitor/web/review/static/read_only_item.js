// An item that is only looked at: reviewed already, or taken out.

import { initialState } from "./api.js";
import { toggleGuide } from "./guidelines.js";
import { listen } from "./keys.js";
import { leadButtons } from "./lead_actions.js";
import { reviewOf, takeBack } from "./undo.js";

const initial = initialState();
leadButtons(initial.id);
const back = () => takeBack(reviewOf(initial.id));

document.getElementById("undo-button")?.addEventListener("click", back);
listen({
  actions: {
    g: toggleGuide,
    "?": () => document.getElementById("help").showModal(),
    ...(initial.state === "submitted" ? { u: back } : {}),
  },
});
