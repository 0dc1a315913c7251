// Saves a draft within a second of a pause and every two seconds of steady typing; tries again where
// the server can't be reached; and keeps a copy in this browser all the time.

const PAUSE = 700;
const STEADY = 1700;
const COPY = 200;
const RETRIES = [1000, 2000, 4000, 5000];

export class Autosave {
  /**
   * @param read returns the values to save
   * @param put saves them on the server: a promise
   * @param local a LocalDraft
   * @param tell called with (state, error) where state is "saved", "failing" or "refused"
   */
  constructor({ read, put, local, tell }) {
    Object.assign(this, { read, put, local, tell });
    this.editedAt = 0;
    this.savedAt = 0; // of the newest edit that the server has
    this.since = 0; // of the oldest edit that it hasn't
    this.failures = 0;
    this.running = null;
    this.held = false;
    this.stopped = false;
    addEventListener("pagehide", () => this.leave());
    document.addEventListener("visibilitychange", () => document.hidden && this.leave());
    addEventListener("online", () => this.flush());
  }

  get dirty() {
    return this.editedAt > this.savedAt;
  }

  values() {
    return { ...this.read(), edited_at: this.editedAt };
  }

  touch(now = Date.now()) {
    if (this.stopped) return;
    if (!this.dirty) this.since = now;
    this.editedAt = Math.max(now, this.editedAt + 1);
    this.copyTimer ??= setTimeout(() => this.copy(), COPY);
    if (!this.failures && !this.held) this.schedule(Math.max(0, Math.min(PAUSE, this.since + STEADY - now)));
  }

  /** Go on from a draft that is as old as `editedAt`; `saved` where the server has it. */
  resume(editedAt, saved) {
    this.editedAt = editedAt;
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
    if (!this.stopped && this.editedAt) this.local.write(this.values());
  }

  async flush() {
    clearTimeout(this.timer);
    if (this.stopped || this.held || !this.dirty) return this.running;
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
      this.failures = 0;
      this.tell("saved");
      if (this.dirty && !this.held) this.schedule(PAUSE);
    } catch (refused) {
      this.copy();
      if (refused.passes) {
        this.schedule(RETRIES[Math.min(this.failures, RETRIES.length - 1)]);
        this.failures += 1;
        this.tell("failing", refused);
      } else {
        this.tell("refused", refused);
      }
    }
  }

  /** The page goes away or to the background: copy, and send what isn't saved along. */
  leave() {
    this.copy();
    if (this.stopped || !this.dirty) return;
    // Browsers refuse more than 64 KiB that outlive their page; the copy has it all.
    this.put(this.values(), { keepalive: JSON.stringify(this.values()).length < 60_000 }).catch(() => {});
  }

  /** Save nothing for a while: something else is being sent. */
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
