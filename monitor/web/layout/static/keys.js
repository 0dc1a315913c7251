// Keyboard shortcuts, active outside of text fields.

const isTyping = (target) => target.matches("textarea, select, input:not([type=radio], [type=checkbox])");

/**
 * @param actions lower-case key -> function
 * @param submit called by Ctrl+Enter, anywhere
 * @param leave called by Esc in a text field
 */
export function listen({ actions, submit, leave }) {
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.isComposing) return;
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
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = actions[key];
    if (!action || (event.repeat && !key.startsWith("Arrow"))) return;
    if (action(event) !== false) event.preventDefault();
  });
}
