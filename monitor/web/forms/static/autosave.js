// Saving of drafts: within a second of a pause and every two seconds of steady typing, with retries if
// the server does not respond, and always with a copy in this browser.

const PAUSE = 700;
const STEADY = 1700;
const COPY = 200;
const RETRIES = [1000, 2000, 4000, 5000];

export class Autosave {
  /**
   * @param read returns the values to save
   * @param put saves them on the server: a promise
   * @param local a LocalDraft
   * @param tab the name of this page, which no other has
   * @param report called with (state, error) where state is "saved", "failing" or "refused"
   * @param newer called with the draft of another page that has edits which this one doesn't contain
   */
  constructor({ read, put, local, tab, report, newer }) {
    Object.assign(this, { read, put, local, tab, report, newer });
    this.base = 0; // time of the newest edit, of any page, that the form contains
    this.conflicted = false;
    this.editedAt = 0;
    this.savedAt = 0; // time of the newest edit on the server
    this.since = 0; // time of the oldest edit not on the server
    this.failures = 0;
    this.running = null;
    this.held = false;
    this.stopped = false;
    addEventListener("pagehide", () => this.leave());
    document.addEventListener("visibilitychange", () => document.hidden && this.leave());
    addEventListener("online", () => this.flush());
    addEventListener("focus", () => this.compare());
  }

  get dirty() {
    return this.editedAt > this.savedAt;
  }

  values() {
    return { ...this.read(), edited_at: this.editedAt, tab: this.tab, base: this.base };
  }

  /** Whether a draft of another page has edits that the form doesn't contain. */
  isNewer(draft) {
    return Boolean(draft) && draft.tab !== this.tab && Number(draft.edited_at ?? 0) > this.base;
  }

  /** Look for a newer draft of another page of this browser. */
  compare() {
    const copy = this.local.read();
    if (this.stopped || this.conflicted || !copy || copy.lost || !this.isNewer(copy.values)) return;
    this.newer(copy.values);
  }

  /** Contain the edits of another draft, from now on. */
  contain(draft) {
    this.conflicted = false;
    this.base = Math.max(this.base, Number(draft.edited_at ?? 0));
    this.editedAt = Math.max(this.editedAt, this.base);
  }

  touch(now = Date.now()) {
    if (this.stopped) return;
    if (!this.dirty) this.since = now;
    this.editedAt = Math.max(now, this.editedAt + 1);
    this.copyTimer ??= setTimeout(() => this.copy(), COPY);
    if (!this.failures && !this.held) this.schedule(Math.max(0, Math.min(PAUSE, this.since + STEADY - now)));
  }

  /** Continue a draft edited at `editedAt`; `saved` if the server has it. */
  resume(editedAt, saved) {
    this.editedAt = this.base = editedAt;
    this.savedAt = saved ? editedAt : editedAt - 1;
    if (!saved) this.schedule(0);
  }

  schedule(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), delay);
  }

  copy() {
    clearTimeout(this.copyTimer);
    this.copyTimer = undefined;
    if (this.stopped || !this.editedAt) return;
    this.compare();
    this.local.write(this.values());
  }

  async flush() {
    clearTimeout(this.timer);
    if (this.stopped || this.held || this.conflicted || !this.dirty) return this.running;
    if (this.running) return this.running.then(() => this.flush());
    this.running = this.save();
    try {
      await this.running;
    } finally {
      this.running = null;
    }
    return undefined;
  }

  async save() {
    const values = this.values();
    this.since = Date.now();
    try {
      await this.put(values);
      this.savedAt = Math.max(this.savedAt, values.edited_at);
      this.base = Math.max(this.base, values.edited_at);
      this.failures = 0;
      this.report("saved");
      if (this.dirty && !this.held) this.schedule(PAUSE);
    } catch (error) {
      this.copy();
      if (error.newerDraft) {
        if (!this.conflicted) this.newer(error.newerDraft);
      } else if (error.isTransient) {
        this.schedule(RETRIES[Math.min(this.failures, RETRIES.length - 1)]);
        this.failures += 1;
        this.report("failing", error);
      } else {
        this.report("refused", error);
      }
    }
  }

  /** On leaving the page: copy the draft and send unsaved changes. */
  leave() {
    this.copy();
    if (this.stopped || this.conflicted || !this.dirty) return;
    // Browsers limit keepalive requests to 64 KiB; the copy is complete.
    this.put(this.values(), { keepalive: JSON.stringify(this.values()).length < 60_000 }).catch(() => {});
  }

  /** Pause saving during another request. */
  async hold() {
    clearTimeout(this.timer);
    this.held = true;
    await this.running;
  }

  release() {
    this.held = false;
    if (this.dirty) this.schedule(0);
  }

  end() {
    clearTimeout(this.timer);
    clearTimeout(this.copyTimer);
    this.stopped = true;
  }
}
