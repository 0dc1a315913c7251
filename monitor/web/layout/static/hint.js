// A short line under the top bar: what a key did, or which one to press instead.

const SECONDS = 8;
const place = document.getElementById("hint");
let timer = 0;

export function hint(text) {
  clearTimeout(timer);
  place.textContent = text;
  timer = setTimeout(() => (place.textContent = ""), SECONDS * 1000);
}
