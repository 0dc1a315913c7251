// Polling of the page for parts that other users change.

const EVERY = 5_000;

/**
 * @param ids of the parts
 * @param changed called with each changed part
 * @param moved called when the item's state has changed
 * @returns a function that polls at once
 */
export function follow(ids, changed, moved) {
  const { state } = document.getElementById("state").dataset;
  const seen = new Map();

  async function poll() {
    // As htmx does: the access log counts an open page as one read.
    const headers = { "hx-request": "true" };
    const response = await fetch(location.href, { headers }).catch(() => null);
    if (!response?.ok || response.redirected) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (page.getElementById("state")?.dataset.state !== state) {
      moved();
      return;
    }
    for (const id of ids) {
      const [here, there] = [document.getElementById(id), page.getElementById(id)];
      if (!here || !there || here.contains(document.activeElement) || seen.get(id) === there.innerHTML) continue;
      seen.set(id, there.innerHTML);
      here.replaceChildren(...there.childNodes);
      changed(here);
    }
  }

  setInterval(() => document.hidden || poll(), EVERY);
  return poll;
}
