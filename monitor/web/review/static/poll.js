// Fetches the page again now and then, and takes over the parts that others change.

const EVERY = 5_000;

/**
 * @param ids of the parts
 * @param changed called with each part that is new
 * @param moved called when the item's state is another
 * @returns a function that looks at once
 */
export function follow(ids, changed, moved) {
  const { state } = document.getElementById("state").dataset;
  const seen = new Map();

  async function look() {
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
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

  setInterval(() => document.hidden || look(), EVERY);
  return look;
}
