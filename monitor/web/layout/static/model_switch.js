// The switch of models closes on Escape and when something else is used.

const menu = document.querySelector(".switch");

function close(event) {
  if (!menu.open) return;
  if (event.type === "keydown" ? event.key === "Escape" : !menu.contains(event.target)) menu.open = false;
  if (event.type === "keydown" && !menu.open) menu.querySelector("summary").focus();
}

if (menu) for (const type of ["click", "keydown", "focusin"]) document.addEventListener(type, close);
