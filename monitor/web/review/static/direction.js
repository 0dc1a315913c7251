// The direction of a text while it is typed, by the majority of its letters.

const LETTERS = /\p{L}/gu;
const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/gu;
const JUDGED = 4_000; // characters

export function setDirection(element, text) {
  const n = (pattern) => text.slice(0, JUDGED).match(pattern)?.length ?? 0;
  element.dir = 2 * n(RIGHT_TO_LEFT) > n(LETTERS) ? "rtl" : "ltr";
}
