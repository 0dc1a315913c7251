// A short line under the top bar: what a key did, or which one to press instead.

const SECONDS = 8;
const place = document.getElementById("hint");
const home = place.parentElement;
let timer = 0;

export function hint(text) {
  clearTimeout(timer);
  const dialog = document.querySelector("dialog[open]"); // which covers the bar
  if (place.parentElement !== (dialog ?? home)) (dialog ?? home).prepend(place);
  place.textContent = text;
  timer = setTimeout(() => (place.textContent = ""), SECONDS * 1000);
}
