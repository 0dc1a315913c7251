// Buttons that a script makes.

/** @param act called with the button */
export function button(label, act) {
  const node = document.createElement("button");
  node.type = "button";
  node.textContent = label;
  node.addEventListener("click", () => act(node));
  return node;
}
