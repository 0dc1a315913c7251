// The queue page: undo of the last review, and lost drafts.

import { button } from "./button.js";
import { deleteDraft, lostDrafts } from "./draft_store.js";
import { listen } from "./keys.js";
import { offerUndo, withdraw } from "./undo.js";

const place = document.getElementById("lost-drafts");
const { user } = place.dataset;

for (const { key, item, values, lost } of lostDrafts(user)) {
  const content = [values.corrected_response, values.comment].filter(Boolean).join("\n\n");
  if (!content) continue;
  const card = document.createElement("section");
  card.className = "card lost-draft";
  const title = document.createElement("h2");
  title.textContent = `Your draft of ${nameOf(item)}`;
  const explanation = document.createElement("p");
  explanation.className = "muted";
  const reason = lost ? "Other reviewers have taken the item." : "Another tab or browser has a newer draft of it.";
  explanation.textContent = `${reason} Copy what you need: this draft is saved in this browser only.`;
  const text = document.createElement("textarea");
  text.readOnly = true;
  text.setAttribute("aria-label", title.textContent);
  text.value = content;
  const remove = () => {
    deleteDraft(key);
    card.remove();
  };
  card.append(title, explanation, text, button("Remove", remove));
  place.append(card);
}

/** Return the name of an item; that of a human evaluation is `human-evaluation-ID-NUMBER`. */
function nameOf(item) {
  const rated = /^human-evaluation-(\d+)-(\d+)$/.exec(item);
  return rated ? `item ${rated[2]} of human evaluation ${rated[1]}` : `item ${item}`;
}

offerUndo();
listen({ actions: { u: () => withdraw(), "?": () => document.getElementById("help").showModal() } });
