// Two drafts of one item, of this page and of another tab or browser: both are shown, one is chosen.

import { say } from "./announce.js";
import { button } from "./button.js";
import { createLiveDiff, showDiff } from "./diff_view.js";
import { setDirection } from "./direction.js";

const TEXTS = ["corrected_response", "comment"];
const CONTEXT = { keep: 60, fold: 200 }; // characters

/**
 * @param form the element of the form
 * @param other the newer draft
 * @param keep called to keep the form as it is
 * @param take called to fill the form with the other draft
 * @returns an element that is shown above the form until one is chosen
 */
export function showConflict(form, other, { keep, take }) {
  const box = document.createElement("section");
  box.className = "notice warn conflict";
  box.setAttribute("aria-label", "Two drafts");
  const time = new Date(Number(other.edited_at)).toLocaleTimeString("en-GB");
  const head = paragraph(`Another tab or browser saved a newer draft of this item at ${time}. Choose the one to keep. Until then, this page saves its own in this browser only.`);
  const actions = document.createElement("div");
  actions.className = "actions";
  actions.append(
    button("Use the newer draft", () => {
      const own = textsOf(valuesOf(form));
      take();
      if (own) box.replaceChildren(paragraph("The form has the newer draft. This was the text of this page, for you to copy:"), quote(own, "The text of this page"), button("Close", () => box.remove()));
      else box.remove();
    }),
    button("Keep the draft of this page", () => {
      box.remove();
      keep();
    }),
  );
  box.append(head, paragraph(`The newer draft: ${choicesOf(form, other) || "no choices"}.`));
  if (textsOf(other)) box.append(quote(textsOf(other), "The text of the newer draft"));
  if (textsOf(valuesOf(form)) && textsOf(other)) box.append(paragraph("Struck out: only in the newer draft. Underlined: only on this page."), difference(textsOf(other), form));
  box.append(actions);
  document.getElementById("banner").after(box);
  box.scrollIntoView({ block: "nearest" });
  say(head.textContent);
  return box;
}

const valuesOf = (form) => Object.fromEntries(new FormData(form));

const textsOf = (values) => TEXTS.map((name) => values[name]).filter(Boolean).join("\n\n");

/** Return the options that a draft chooses, as the form names them. */
function choicesOf(form, values) {
  return Object.entries(values)
    .map(([name, value]) => form.querySelector(`input[type=radio][name="${CSS.escape(name)}"][value="${CSS.escape(String(value))}"]`))
    .filter(Boolean)
    .map((radio) => `${groupOf(radio)}: ${radio.getAttribute("aria-label") ?? radio.nextElementSibling.firstChild.textContent.trim()}`)
    .join("; ");
}

function groupOf(radio) {
  const group = radio.closest("[role=radiogroup]");
  const label = document.getElementById(group?.getAttribute("aria-labelledby"));
  return (label?.firstChild ?? group?.attributes["aria-label"])?.textContent.trim().toLowerCase().replace(/\?$/, "") ?? radio.name;
}

function quote(text, label) {
  const area = document.createElement("textarea");
  area.readOnly = true;
  area.rows = 4;
  area.dir = "auto";
  area.setAttribute("aria-label", label);
  area.value = text;
  return area;
}

/** Return the difference between a text and those of the form, which follows the typing. */
function difference(before, form) {
  const text = document.createElement("div");
  text.className = "text diff";
  text.tabIndex = 0;
  text.setAttribute("role", "group");
  text.setAttribute("aria-label", "Difference of the two drafts");
  setDirection(text, before + textsOf(valuesOf(form)));
  showDiff(text, before, textsOf(valuesOf(form)), CONTEXT);
  const showLive = createLiveDiff(text, CONTEXT);
  form.addEventListener("input", function follow() {
    if (text.isConnected) showLive(before, textsOf(valuesOf(form)));
    else form.removeEventListener("input", follow);
  });
  return text;
}

function paragraph(text) {
  const node = document.createElement("p");
  node.textContent = text;
  return node;
}
