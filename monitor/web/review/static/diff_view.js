// Display of a word diff: at once for short texts, after a pause for long ones.

import { diffWords } from "./diff.js";

const TAGS = { same: "span", removed: "del", added: "ins" };
const SHORT = 6_000; // characters of both texts: compared at each keystroke
const KEEP = 160;
const FOLD = 400;

/**
 * @param keep characters shown on both sides of a change
 * @param fold longer unchanged passages are folded
 */
export function showDiff(element, before, after, { keep = KEEP, fold = FOLD } = {}) {
  const parts = diffWords(before, after);
  const changed = parts.some(([kind]) => kind !== "same");
  element.replaceChildren(
    ...(changed ? parts.flatMap(([kind, text], at) => nodes(kind, text, at > 0 && keep, at < parts.length - 1 && keep, fold)) : [unchanged()]),
  );
}

/** Return a function that shows the newest pair of texts after a pause. */
export function createLiveDiff(element, options = {}) {
  let timer = 0;
  return (before, after) => {
    clearTimeout(timer);
    const delay = before.length + after.length < SHORT ? 30 : 300;
    timer = setTimeout(() => showDiff(element, before, after, options), delay);
  };
}

/** Return a part of the text; of an unchanged one the first and last characters, and the rest folded. */
function nodes(kind, text, first, last, fold) {
  if (kind !== "same" || text.length <= fold) return [part(TAGS[kind], text)];
  const head = first ? text.slice(0, wordEnd(text, first)) : "";
  const tail = last ? text.slice(wordEnd(text, text.length - last)).trimStart() : "";
  const middle = text.slice(head.length, text.length - tail.length);
  const n = (middle.match(/\S+/g) ?? []).length;
  const gap = document.createElement("details");
  gap.className = "gap";
  gap.append(part("summary", `${n.toLocaleString("en")} words unchanged`), part("span", middle));
  return [part("span", head), gap, part("span", tail)];
}

function wordEnd(text, from) {
  const space = text.indexOf(" ", from);
  return space === -1 || space - from > 40 ? from : space;
}

const BLOCK = 2_000; // characters: a browser needs seconds to break a far longer run into lines

function part(tag, text) {
  const node = document.createElement(tag);
  if (text.length <= 2 * BLOCK) {
    node.textContent = text;
    return node;
  }
  for (let at = 0; at < text.length; at += BLOCK) {
    const block = document.createElement("span");
    block.className = "block long";
    block.textContent = text.slice(at, at + BLOCK);
    node.append(block);
  }
  return node;
}

function unchanged() {
  const note = part("span", "No changes yet.");
  note.className = "muted";
  return note;
}
