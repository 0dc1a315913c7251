// Score fields: a digit sets the active one and moves to the next.

export class Scores {
  constructor(element, form) {
    this.element = element;
    this.form = form;
    this.rows = [...element.querySelectorAll("[data-score]")];
    this.names = this.rows.map((row) => row.dataset.score);
    this.active = 0;
    element.addEventListener("focusin", (event) => {
      const row = event.target.closest("[data-score]");
      if (row) this.mark(this.rows.indexOf(row));
    });
  }

  mark(index) {
    this.active = index;
    this.rows.forEach((row, at) => row.classList.toggle("active", at === index));
  }

  markNext() {
    const open = this.names.findIndex((name) => !this.form.get(name));
    this.mark(open === -1 ? 0 : open);
  }

  score(value) {
    const row = this.rows[this.active];
    this.form.set(this.names[this.active], value);
    const focused = row.contains(document.activeElement);
    this.mark(Math.min(this.active + 1, this.rows.length - 1));
    if (focused) {
      const next = this.rows[this.active];
      (next.querySelector("input:checked") ?? next.querySelector("input")).focus();
    }
    this.form.changed();
    return true;
  }

  /** Set the scores that are missing. */
  fill(value) {
    for (const name of this.names) if (!this.form.get(name)) this.form.set(name, value);
    this.form.changed();
  }

  values() {
    return Object.fromEntries(this.names.map((name) => [name, Number(this.form.get(name))]));
  }

  missing() {
    const name = this.names.find((candidate) => !this.form.get(candidate));
    return name ? [name, `Score the ${name}: 1 to 5.`] : null;
  }
}
