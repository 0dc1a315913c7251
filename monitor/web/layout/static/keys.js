// Keyboard shortcuts, active outside of text fields. A key without an action says so.

import { hint } from "./hint.js";

const PAGE = 0.9; // of what is in sight
const SCROLLS = { PageDown: PAGE, PageUp: -PAGE, " ": PAGE, Home: -Infinity, End: Infinity };
const isTyping = (target) => target.matches("textarea, select, input:not([type=radio], [type=checkbox])");

/**
 * @param actions lower-case key -> function of event and key. It returns `false` where the browser's own action follows, or a
 *   text for the line of hints.
 * @param submit called by Ctrl+Enter, anywhere
 * @param leave called by Esc in a text field
 * @param text the pane that the page keys and the space bar scroll, wherever the focus is
 */
export function listen({ actions, submit, leave, text }) {
  const others = [...(submit ? ["Submit"] : []), ...(leave ? ["Escape"] : []), ...(text ? Object.keys(SCROLLS) : [])];
  document.body.dataset.keys = JSON.stringify([...Object.keys(actions), ...others]);
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!event.repeat) submit?.();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") leave?.(event.target);
      return;
    }
    const key = keyOf(event);
    if (text && key in SCROLLS && !hasOwnUse(event)) {
      event.preventDefault();
      scroll(text, event.shiftKey && key === " " ? -PAGE : SCROLLS[key]);
      return;
    }
    const action = actions[key];
    if (!action) explain(key, event);
    if (!action || (event.repeat && !key.startsWith("Arrow"))) return;
    const result = action(event, key);
    if (result === false) return;
    event.preventDefault();
    if (typeof result === "string") hint(result);
  });
}

/** Return the key as a Latin keyboard has it: letters of other scripts and unshifted digits by their place. */
function keyOf({ key, code, shiftKey }) {
  if (key.length > 1) return key;
  const digit = /^Digit(\d)$/.exec(code);
  if (digit && !shiftKey) return digit[1];
  const letter = key > "\u007f" && /^Key([A-Z])$/.exec(code);
  return (letter ? letter[1] : key).toLowerCase();
}

/** Whether the focus is on something that the space bar presses, or in a panel that scrolls by itself. */
function hasOwnUse({ key, target }) {
  if (target.closest("#guidelines")) return true;
  return key === " " && target.matches("button, a, summary, input:not(:checked)");
}

function scroll(text, pages) {
  const box = text.scrollHeight > text.clientHeight + 1 ? text : document.scrollingElement;
  const before = box.scrollTop;
  const end = pages > 0 ? box.scrollHeight : 0;
  box.scrollTo({ top: Number.isFinite(pages) ? before + pages * box.clientHeight : end, behavior: "instant" });
  if (box.scrollTop === before) hint(pages > 0 ? "The text ends here." : "The text begins here.");
}

function explain(key, { target }) {
  const isLetter = key.length === 1 && key !== " ";
  if (!isLetter && key !== "Escape" && !(key === "Enter" && target === document.body)) return;
  hint(`${isLetter ? key.toUpperCase() : key} does nothing here. Press ? for the keys.`);
}
