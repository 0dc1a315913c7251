// Announcements for screen readers, without moving the focus.

const region = document.getElementById("announce");

export function say(text) {
  if (!region) return;
  region.textContent = "";
  setTimeout(() => (region.textContent = text), 50);
}
