// The guidelines panel; it stays open or closed from item to item.

const KEY = "driftwarden:guidelines";
const guidelines = document.getElementById("guidelines");
const button = document.getElementById("guidelines-button");

function show(open) {
  guidelines.hidden = !open;
  guidelines.parentElement.classList.toggle("with-guidelines", open);
  button.setAttribute("aria-expanded", String(open));
  sessionStorage.setItem(KEY, open ? "open" : "");
}

export function toggleGuidelines() {
  const open = guidelines.hidden;
  show(open);
  (open ? guidelines : button).focus({ preventScroll: true });
}

/** Esc outside of text fields: close the guidelines from within; return what to say elsewhere. */
export function leaveGuidelines() {
  if (!guidelines.contains(document.activeElement)) return "Esc leaves a text field or the guidelines. Press ? for the keys.";
  toggleGuidelines();
  return true;
}

if (guidelines) {
  show(sessionStorage.getItem(KEY) === "open" && matchMedia("(min-width: 1200px)").matches);
  button.addEventListener("click", toggleGuidelines);
  guidelines.querySelector(".close").addEventListener("click", toggleGuidelines);
}
