// Keyboard shortcuts, active outside of text fields. A key without an action says so.

import { hint } from "./hint.js";

const PAGE = 0.9; // of what is in sight
const LINE = 0.1; // for pages without fields to move between
const SCROLLS = { PageDown: PAGE, PageUp: -PAGE, " ": PAGE, Home: -Infinity, End: Infinity };
const PRESSED = "button, a, summary, input, select";
const LINES = { ArrowDown: LINE, ArrowUp: -LINE };
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
    if (event.isComposing || event.keyCode === 229) return;
    const dialog = document.querySelector("dialog[open]");
    if (dialog) {
      answerIn(dialog, event);
      return;
    }
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
    const pages = SCROLLS[key] ?? (actions[key] ? undefined : LINES[key]);
    if (text && pages && !hasOwnUse(event)) {
      event.preventDefault();
      scroll(text, event.shiftKey && key === " " ? -PAGE : pages);
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

/** Keys of an open dialog: Ctrl+Enter does what it asks, a digit takes an option; Tab and Enter are the browser's. */
function answerIn(dialog, event) {
  if (event.key === "Escape") {
    event.preventDefault(); // a browser closes it later, and the next key would still go to it
    dialog.close("");
    return;
  }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    if (!event.repeat) dialog.querySelector("button.primary").click();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const key = keyOf(event);
  if (key.length > 1 || key === " ") return;
  event.preventDefault();
  const option = dialog.querySelectorAll("input[type=radio]")[Number(key) - 1];
  if (option) {
    option.click();
    option.focus();
  } else if (key === "?" && dialog.id === "help") dialog.close();
  else hint(`${key.toUpperCase()} does nothing here. Esc closes this.`);
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

let scrolls = 0;

function scroll(text, pages) {
  const box = text.scrollHeight > text.clientHeight + 1 ? text : document.scrollingElement;
  const before = box.scrollTop;
  const end = pages > 0 ? box.scrollHeight : 0;
  box.scrollTo({ top: Number.isFinite(pages) ? before + pages * box.clientHeight : end, behavior: "instant" });
  scrolls += 1;
  if (pages === Infinity) stayAtEnd(box, scrolls);
  if (box.scrollTop === before) hint(pages > 0 ? "The text ends here." : "The text begins here.");
}

/** Scroll on until the end rests: a block has its height only once it is in sight. */
function stayAtEnd(box, scrolling, frames = 5) {
  requestAnimationFrame(() => {
    if (scrolling !== scrolls || !frames) return;
    const before = box.scrollTop;
    box.scrollTo({ top: box.scrollHeight, behavior: "instant" });
    stayAtEnd(box, scrolling, box.scrollTop === before ? frames - 1 : 5);
  });
}

function explain(key, { target }) {
  const isLetter = key.length === 1 && key !== " ";
  if (!isLetter && key !== "Escape" && !(key === "Enter" && !target.matches(PRESSED))) return;
  hint(`${isLetter ? key.toUpperCase() : key} does nothing here. Press ? for the keys.`);
}
