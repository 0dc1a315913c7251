// Copies of drafts in this browser, for times without a server. They contain traffic: they are deleted
// on submission, on sign-out, and by age. Those of guidelines have no other copy, and outlive a sign-out.

const PREFIX = "driftwarden:draft:";
const PARKED = "~";
const GUIDELINES = "guidelines-";
const MAX_AGE = 7 * 24 * 3600 * 1000;

export class LocalDraft {
  /** @param tab of the page, whose copy is apart while another page has a newer draft */
  constructor(user, item, tab = "") {
    this.shared = `${PREFIX}${user}:${item}`;
    this.parked = this.shared + PARKED + tab;
    this.key = this.shared;
  }

  /** Return the newest copy of all pages in this browser: {values, lost}. */
  read() {
    return parse(this.shared);
  }

  park() {
    this.key = this.parked;
  }

  unpark() {
    attempt(() => localStorage.removeItem(this.parked));
    this.key = this.shared;
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

/**
 * Return a user's drafts that no page saves any more: [{key, item, values, lost}]; `lost`: other reviewers
 * have taken the item; else another page had a newer draft.
 */
export function lostDrafts(user) {
  return keys(`${PREFIX}${user}:`)
    .map((key) => ({ key, item: key.split(":").at(-1).split(PARKED)[0], ...parse(key) }))
    .filter((copy) => copy.values && (copy.lost || copy.key.includes(PARKED)));
}

export function deleteDraft(key) {
  attempt(() => localStorage.removeItem(key));
}

export function deleteDrafts(user) {
  for (const key of keys(`${PREFIX}${user}:`)) if (!key.includes(`:${GUIDELINES}`)) deleteDraft(key);
}

/** Return the name of the guidelines of a model, for a LocalDraft. */
export function guidelinesOf(model) {
  return GUIDELINES + model;
}

/** Return the texts of guidelines that the user's pages keep, the newest first: [{key, values}]. */
export function keptTexts(user, model) {
  return keys(`${PREFIX}${user}:${guidelinesOf(model)}${PARKED}`)
    .map((key) => ({ key, ...parse(key) }))
    .filter(({ values }) => values?.text)
    .sort((a, b) => b.values.edited_at - a.values.edited_at);
}

/** Return a name that no other page has: letters only, which no redaction replaces. */
export function newTab() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => String.fromCharCode(97 + (n % 26))).join("");
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
