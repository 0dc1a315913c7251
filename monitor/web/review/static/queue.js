// The queue: undo of the last review, and the texts of items that others have taken.

import { LocalDraft, lostDrafts } from "./draft_store.js";
import { listen } from "./keys.js";
import { offerUndo, takeBack } from "./undo.js";

const place = document.getElementById("kept");
const { person } = place.dataset;

for (const { item, values } of lostDrafts(person)) {
  const card = document.createElement("section");
  card.className = "card kept";
  const title = document.createElement("h2");
  title.textContent = `What you wrote for item ${item}`;
  const words = document.createElement("p");
  words.className = "muted";
  words.textContent = "Others have taken the item. Copy what you need; it is kept on this computer only.";
  const text = document.createElement("textarea");
  text.readOnly = true;
  text.setAttribute("aria-label", title.textContent);
  text.value = [values.corrected_response, values.comment].filter(Boolean).join("\n\n");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Remove";
  button.addEventListener("click", () => {
    new LocalDraft(person, item).remove();
    card.remove();
  });
  card.append(title, words, text, button);
  place.append(card);
}

offerUndo();
listen({ actions: { u: () => takeBack() } });
