// Score fields: a digit sets the marked one and moves the focus on, past the last score too.

export class Scores {
  /** @param fields the Fields of the form */
  constructor(element, form, fields) {
    Object.assign(this, { element, form, fields });
    this.rows = [...element.querySelectorAll("[data-score]")];
    this.names = this.rows.map((row) => row.dataset.score);
    this.active = 0;
    this.own = new Set(); // those that the user has set
    element.addEventListener("focusin", (event) => {
      const field = event.target.closest("[data-field]");
      if (field) this.mark(this.rows.indexOf(field));
    });
    for (const row of this.rows) {
      row.addEventListener("click", (event) => {
        // A label passes its click on to its radio; the arrow keys click without a pointer.
        if (!event.target.matches("input")) return;
        this.own.add(row.dataset.score);
        if (event.detail > 0) this.fields.advance(row);
      });
    }
  }

  /** Mark a score as the one that digits set; -1: none. */
  mark(index) {
    this.active = index;
    this.rows.forEach((row, at) => row.classList.toggle("active", at === index));
  }

  get firstOpen() {
    const open = this.names.findIndex((name) => !this.form.get(name));
    return open === -1 ? 0 : open;
  }

  markNext() {
    this.mark(this.firstOpen);
  }

  /** Set the marked score and move on; return whether there was one with this value. */
  score(value) {
    const row = this.rows[this.active];
    if (!row?.querySelector(`input[value="${value}"]`)) return false;
    this.own.add(this.names[this.active]);
    this.form.set(this.names[this.active], value);
    this.form.changed();
    this.fields.advance(row);
    return true;
  }

  /** Set the scores that the user hasn't set, by name. */
  propose(values) {
    for (const name of this.names) if (!this.own.has(name)) this.form.set(name, values[name]);
    this.form.changed();
  }

  /** Take the scores of a restored draft for the user's, where they aren't the proposed ones. */
  adopt(proposed) {
    for (const name of this.names) {
      const value = this.form.get(name);
      if (value && value !== String(proposed[name])) this.own.add(name);
    }
  }

  values() {
    return Object.fromEntries(this.names.map((name) => [name, Number(this.form.get(name))]));
  }

  missing() {
    const name = this.names.find((candidate) => !this.form.get(candidate));
    return name ? [name, `Score the ${name}: 1 to 5.`] : null;
  }
}
