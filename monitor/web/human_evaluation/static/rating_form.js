// The rating form: a rating for each response and dimension, and a comment.

export class RatingForm {
  /** @param labels of the responses, in the order shown */
  constructor(form, { labels, dimensions }) {
    Object.assign(this, { form, labels, dimensions });
    this.problem = form.querySelector("#problem");
    form.addEventListener("input", () => this.showProblem(""));
  }

  get(name) {
    return this.form.elements[name]?.value ?? "";
  }

  set(name, value) {
    const field = this.form.elements[name];
    if (field && value !== undefined && value !== null && value !== "") field.value = value;
  }

  changed() {
    this.form.dispatchEvent(new Event("input", { bubbles: true }));
  }

  fill(values) {
    for (const [name, value] of Object.entries(values)) this.set(name, String(value));
  }

  values() {
    return Object.fromEntries(new FormData(this.form));
  }

  /** Show a problem; a transient one until the server responds again. */
  showProblem(text, { isTransient = false } = {}) {
    this.problem.textContent = text;
    this.problem.toggleAttribute("data-transient", isTransient);
    this.problem.hidden = !text;
  }

  /** Return the first missing field as [name, message], or null. */
  missing() {
    for (const label of this.labels) {
      for (const [place, dimension] of this.dimensions.entries()) {
        if (!this.get(`${label}.${place}`)) return [`${label}.${place}`, `Rate response ${label}: ${dimension}.`];
      }
    }
    return null;
  }

  /** Return the first field of a response without a rating, or its first field. */
  firstOpenField(label) {
    const names = this.dimensions.map((_, place) => `${label}.${place}`);
    return names.find((name) => !this.get(name)) ?? names[0];
  }

  ratings() {
    return this.labels.map((label) =>
      Object.fromEntries(this.dimensions.map((name, place) => [name, Number(this.get(`${label}.${place}`))])),
    );
  }
}
