// The lease of an item: extended during work, shown before it expires.

import { say } from "./announce.js";
import { send } from "./api.js";

const BEAT = 60_000; // between heartbeats
const AT_WORK = 3 * 60_000; // after a keystroke, click or scroll
const WARN = 5 * 60; // seconds before the end
const SOON = 60;

class LeaseWatch {
  /**
   * @param until, now the lease's end and the server's time, ISO 8601
   * @param beat extends the lease: a promise of {lease_until}
   * @param show called each second with the seconds left, or null before the warning
   * @param say announces to screen readers, at the thresholds only
   * @param refused called with the error of a heartbeat that is not transient
   */
  constructor({ until, now, beat, show, say, refused }) {
    Object.assign(this, { beat, show, say, refused });
    this.skew = Date.parse(now) - Date.now();
    this.lastBeat = Date.now();
    this.lastActive = Date.now();
    this.spoken = Infinity;
    // One that has ended is claimed again, as on the way back to an item after an undo.
    this.end = Date.parse(until);
    if (this.left <= 0) this.extendNow();
    else this.extend(until);
    for (const type of ["keydown", "pointerdown", "input", "scroll", "focus"]) {
      addEventListener(type, () => this.active(), { capture: true, passive: true });
    }
    document.addEventListener("visibilitychange", () => !document.hidden && this.active());
    this.timer = setInterval(() => this.tick(), 1000);
  }

  get left() {
    return (this.end - Date.now() - this.skew) / 1000;
  }

  extend(until) {
    if (!until) return;
    this.end = Date.parse(until);
    this.lastBeat = Date.now();
    this.spoken = Infinity;
    this.tick();
  }

  active() {
    this.lastActive = Date.now();
    if (this.left < WARN && Date.now() - this.lastBeat > 2000) this.extendNow();
  }

  async extendNow() {
    this.lastBeat = Date.now();
    try {
      this.extend((await this.beat()).lease_until);
    } catch (error) {
      if (!error.isTransient) this.refused(error);
    }
  }

  tick() {
    if (this.stopped) return;
    const atWork = !document.hidden && Date.now() - this.lastActive < AT_WORK;
    if (atWork && Date.now() - this.lastBeat >= BEAT) this.extendNow();
    const left = Math.ceil(this.left);
    this.show(left <= WARN ? Math.max(0, left) : null);
    for (const [threshold, text] of [
      [WARN, "This item is reserved for you for five more minutes."],
      [SOON, "This item is reserved for you for one more minute."],
      [0, "Your reservation has expired."],
    ]) {
      if (left <= threshold && this.spoken > threshold) {
        this.spoken = threshold;
        this.say(text);
      }
    }
  }

  stop() {
    this.stopped = true;
    clearInterval(this.timer);
    this.show(null);
  }
}

/** Extend and show the lease of the item at a path; call `refused` with the error when it is lost. */
export function watchLease({ lease_until, now }, path, refused) {
  const beat = () => send("POST", `${path}/heartbeat`);
  return new LeaseWatch({ until: lease_until, now, beat, show: showLease, say, refused });
}

/** Show the remaining time before the lease expires. */
function showLease(left) {
  const chip = document.getElementById("lease");
  chip.hidden = left === null;
  if (left !== null) chip.textContent = left ? `Reserved for ${clock(left)} more` : "Reservation expired";
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
