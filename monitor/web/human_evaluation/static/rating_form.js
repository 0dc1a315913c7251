// The form of a study's item: a rating for each answer and dimension, and a comment.

export class StudyForm {
  /** @param letters what the answers are called, in the order they are shown in */
  constructor(form, { letters, dimensions }) {
    Object.assign(this, { form, letters, dimensions });
    this.problem = form.querySelector("#problem");
    form.addEventListener("input", () => this.complain(""));
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

  complain(text) {
    this.problem.textContent = text;
    this.problem.hidden = !text;
  }

  /** Return what is missing as [field, sentence], or null. */
  missing() {
    for (const letter of this.letters) {
      for (const [place, dimension] of this.dimensions.entries()) {
        if (!this.get(`${letter}.${place}`)) return [`${letter}.${place}`, `Rate answer ${letter}: ${dimension}.`];
      }
    }
    return null;
  }

  /** Return the first field of an answer that isn't rated, or its first. */
  openFieldOf(letter) {
    const names = this.dimensions.map((_, place) => `${letter}.${place}`);
    return names.find((name) => !this.get(name)) ?? names[0];
  }

  ratings() {
    return this.letters.map((letter) =>
      Object.fromEntries(this.dimensions.map((name, place) => [name, Number(this.get(`${letter}.${place}`))])),
    );
  }
}
