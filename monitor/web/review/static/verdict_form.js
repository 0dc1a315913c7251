// The verdict form: verdict, cause of the error, and the editor with its live diff.

import { createLiveDiff } from "./diff_view.js";
import { setDirection } from "./direction.js";

const LONG_RUN = /\S{4000}/;
const SHOW_DIFF = "driftwarden:diff";

export class VerdictForm {
  constructor(form, response) {
    this.form = form;
    this.response = response;
    this.editor = form.elements.corrected_response;
    this.diff = form.querySelector("#diff");
    this.draw = createLiveDiff(this.diff);
    this.problem = form.querySelector("#problem");
    this.diffButton = form.querySelector("#diff-button");
    this.showsDiff = sessionStorage.getItem(SHOW_DIFF) !== "no";
    // A browser needs seconds to break it into lines.
    this.editor.classList.toggle("unbroken", LONG_RUN.test(response));
    this.editor.defaultValue = response; // what a reset of the form restores
    this.editor.value = response;
    form.addEventListener("input", () => this.refresh());
    this.diffButton.addEventListener("click", () => this.toggleDiff());
    form.querySelector("#restore-button").addEventListener("click", () => this.restore());
    this.refresh();
  }

  get verdict() {
    return this.get("verdict");
  }

  get isEdited() {
    return this.editor.value.trim() !== this.response.trim();
  }

  get wrong() {
    return this.verdict === "correct" || this.verdict === "reject";
  }

  get(name) {
    return this.form.elements[name]?.value ?? "";
  }

  set(name, value) {
    const field = this.form.elements[name];
    if (field && value !== undefined && value !== null && value !== "") field.value = value;
  }

  choose(verdict) {
    this.set("verdict", verdict);
    this.changed();
  }

  changed() {
    this.form.dispatchEvent(new Event("input", { bubbles: true }));
  }

  fill(values) {
    for (const [name, value] of Object.entries(values)) this.set(name, String(value));
    this.refresh();
  }

  refresh() {
    for (const part of this.form.querySelectorAll("[data-when-wrong]")) part.hidden = !this.wrong;
    for (const text of this.form.querySelectorAll("textarea")) setDirection(text, text.value);
    setDirection(this.diff, this.editor.value);
    this.diff.hidden = !this.showsDiff;
    this.diffButton.setAttribute("aria-pressed", String(this.showsDiff));
    if (this.wrong && this.showsDiff) this.draw(this.response, this.editor.value);
    this.showProblem("");
  }

  /** Show or hide the changes; return what to press where there is no editor. */
  toggleDiff() {
    if (!this.wrong) return "E or X opens the editor; D shows your changes there.";
    this.showsDiff = !this.showsDiff;
    sessionStorage.setItem(SHOW_DIFF, this.showsDiff ? "yes" : "no");
    this.refresh();
    return true;
  }

  /** Restore the model's response by an edit of the browser, so that Ctrl+Z undoes it. */
  restore() {
    this.editor.focus();
    this.editor.select();
    if (!document.execCommand("insertText", false, this.response)) this.editor.value = this.response;
    this.changed();
  }

  edit() {
    this.editor.focus();
    this.editor.setSelectionRange(this.editor.value.length, this.editor.value.length);
  }

  /** Show a problem; a transient one until the server responds again. */
  showProblem(text, { isTransient = false } = {}) {
    this.problem.textContent = text;
    this.problem.toggleAttribute("data-transient", isTransient);
    this.problem.hidden = !text;
  }

  /** Return the values of all fields, for the draft. */
  values() {
    return { ...Object.fromEntries(new FormData(this.form)), corrected_response: this.editor.value };
  }

  review() {
    return {
      verdict: this.verdict,
      error_kind: this.wrong ? this.get("error_kind") : "",
      answerable: this.wrong ? this.get("answerable") : "",
      corrected_response: this.wrong ? this.editor.value : "",
      comment: this.get("comment"),
    };
  }

  /** Return the first missing field as [name, message], or null. */
  missing() {
    if (!this.verdict) return ["verdict", "Select a verdict: accept, correct or reject."];
    if (!this.wrong) return null;
    if (!this.get("error_kind")) return ["error_kind", "Select the kind of error."];
    if (!this.get("answerable")) return ["answerable", "Select whether an expert could have produced the right response."];
    if (this.verdict === "correct" && !this.isEdited) {
      return ["corrected_response", "Edit the response, or accept it."];
    }
    if (this.verdict === "correct" && !this.editor.value.trim()) {
      return ["corrected_response", "Write the correct response, or reject it."];
    }
    return null;
  }
}
