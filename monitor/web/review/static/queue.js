// The queue page: undo of the last review, and lost drafts.

import { LocalDraft, lostDrafts } from "./draft_store.js";
import { listen } from "./keys.js";
import { offerUndo, withdraw } from "./undo.js";

const place = document.getElementById("lost-drafts");
const { user } = place.dataset;

for (const { item, values } of lostDrafts(user)) {
  const card = document.createElement("section");
  card.className = "card lost-draft";
  const title = document.createElement("h2");
  title.textContent = `Your draft of item ${item}`;
  const explanation = document.createElement("p");
  explanation.className = "muted";
  explanation.textContent = "Other reviewers have taken the item. Copy what you need: the draft is saved in this browser only.";
  const text = document.createElement("textarea");
  text.readOnly = true;
  text.setAttribute("aria-label", title.textContent);
  text.value = [values.corrected_response, values.comment].filter(Boolean).join("\n\n");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Remove";
  button.addEventListener("click", () => {
    new LocalDraft(user, item).remove();
    card.remove();
  });
  card.append(title, explanation, text, button);
  place.append(card);
}

offerUndo();
listen({ actions: { u: () => withdraw() } });
