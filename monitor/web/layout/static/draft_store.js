// A copy of what is being typed, in this browser, for the time when the server can't be reached.
// It holds customers' text: it goes when the review is submitted, when its person signs out, and by age.

const PREFIX = "driftwarden:draft:";
const MAX_AGE = 7 * 24 * 3600 * 1000;

export class LocalDraft {
  constructor(person, item) {
    this.key = `${PREFIX}${person}:${item}`;
  }

  read() {
    return parse(this.key);
  }

  /** `edited_at` is in the values; `lost` says that others have taken the item. */
  write(values, lost = false) {
    try {
      localStorage.setItem(this.key, JSON.stringify({ values, lost }));
    } catch {
      // Storage is full or switched off: the server's draft has to do.
    }
  }

  remove() {
    attempt(() => localStorage.removeItem(this.key));
  }
}

/** Return the texts of a person whose items others have taken: [{item, values}]. */
export function lostDrafts(person) {
  return keys(`${PREFIX}${person}:`)
    .map((key) => ({ item: Number(key.split(":").at(-1)), ...parse(key) }))
    .filter((copy) => copy.lost);
}

export function forget(person) {
  for (const key of keys(`${PREFIX}${person}:`)) attempt(() => localStorage.removeItem(key));
}

export function forgetOld(now = Date.now()) {
  for (const key of keys(PREFIX)) {
    const at = parse(key)?.values?.edited_at ?? 0;
    if (now - at > MAX_AGE) attempt(() => localStorage.removeItem(key));
  }
}

function keys(prefix) {
  return attempt(() => Object.keys(localStorage).filter((key) => key.startsWith(prefix))) ?? [];
}

function parse(key) {
  return attempt(() => JSON.parse(localStorage.getItem(key)));
}

function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}
