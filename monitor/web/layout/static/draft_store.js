// Copies of drafts in this browser, for times without a server. They contain traffic: they are deleted
// on submission, on sign-out, and by age.

const PREFIX = "driftwarden:draft:";
const MAX_AGE = 7 * 24 * 3600 * 1000;

export class LocalDraft {
  constructor(user, item) {
    this.key = `${PREFIX}${user}:${item}`;
  }

  read() {
    return parse(this.key);
  }

  /** The values contain `edited_at`; `lost` marks an item that other reviewers have taken. */
  write(values, lost = false) {
    try {
      localStorage.setItem(this.key, JSON.stringify({ values, lost }));
    } catch {
      // Storage is full or disabled: only the server has the draft.
    }
  }

  remove() {
    attempt(() => localStorage.removeItem(this.key));
  }
}

/** Return a user's drafts of items that other reviewers have taken: [{item, values}]. */
export function lostDrafts(user) {
  return keys(`${PREFIX}${user}:`)
    .map((key) => ({ item: Number(key.split(":").at(-1)), ...parse(key) }))
    .filter((copy) => copy.lost);
}

export function deleteDrafts(user) {
  for (const key of keys(`${PREFIX}${user}:`)) attempt(() => localStorage.removeItem(key));
}

export function deleteOldDrafts(now = Date.now()) {
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
