// Colour theme: light, dark or the system's. Runs before the first paint, so that nothing flashes.
(() => {
  const KEY = "driftwarden:theme";
  const NEXT = { "": "light", light: "dark", dark: "" };
  const NAMES = { "": "as the system", light: "light", dark: "dark" };
  const root = document.documentElement;

  function stored() {
    try {
      return localStorage.getItem(KEY) ?? "";
    } catch {
      return ""; // storage is disabled
    }
  }

  function apply(theme) {
    if (theme in NAMES && theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
  }

  apply(stored());
  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme-button");
    if (!button) return;
    const show = () => {
      const theme = root.dataset.theme ?? "";
      button.setAttribute("aria-label", `Colours: ${NAMES[theme]}`);
      button.title = `Colours: ${NAMES[theme]}`;
    };
    button.addEventListener("click", () => {
      const theme = NEXT[root.dataset.theme ?? ""];
      apply(theme);
      try {
        localStorage.setItem(KEY, theme);
      } catch {
        // the theme applies to this page only
      }
      show();
    });
    button.hidden = false;
    show();
  });
})();
