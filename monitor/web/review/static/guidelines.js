// The guide beside the item; it stays as it was left while somebody works.

const KEY = "driftwarden:guide";
const guide = document.getElementById("guide");
const button = document.getElementById("guide-button");

function show(open) {
  guide.hidden = !open;
  guide.parentElement.classList.toggle("with-guide", open);
  button.setAttribute("aria-expanded", String(open));
  sessionStorage.setItem(KEY, open ? "open" : "");
}

export function toggleGuide() {
  const open = guide.hidden;
  show(open);
  (open ? guide : button).focus({ preventScroll: true });
}

if (guide) {
  show(sessionStorage.getItem(KEY) === "open" && matchMedia("(min-width: 1200px)").matches);
  button.addEventListener("click", toggleGuide);
  guide.querySelector(".close").addEventListener("click", toggleGuide);
  guide.addEventListener("keydown", (event) => event.key === "Escape" && toggleGuide());
}
