// Saves a draft at most every two seconds while somebody types, and at once when the page goes away.

const INTERVAL = 1500;

export class Autosave {
  constructor(save, show) {
    this.save = save;
    this.show = show;
    this.timer = 0;
    this.dirty = false;
    this.running = Promise.resolve();
    addEventListener("pagehide", () => this.dirty && this.save({ keepalive: true }).catch(() => {}));
  }

  touch() {
    this.dirty = true;
    if (!this.timer) this.timer = setTimeout(() => this.flush(), INTERVAL);
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (!this.dirty) return this.running;
    this.dirty = false;
    this.running = this.running.then(async () => {
      try {
        await this.save();
        this.show("Draft saved");
      } catch (refused) {
        this.show(refused.message, true);
        if (refused.status === 0 || refused.status >= 500 || refused.status === 401) this.touch();
      }
    });
    return this.running;
  }

  stop() {
    clearTimeout(this.timer);
    this.dirty = false;
    return this.running;
  }
}
