// What the review form and the discussion form share: verdict, kind of error, editor with its diff.

import { showDiff } from "./diff.js";

export class JudgementForm {
  constructor(form, response) {
    this.form = form;
    this.response = response;
    this.editor = form.elements.corrected_response;
    this.diff = form.querySelector("#diff");
    this.problem = form.querySelector("#problem");
    form.addEventListener("input", () => this.refresh());
    this.editor.value = response;
  }

  get(name) {
    return this.form.elements[name]?.value ?? "";
  }

  set(name, value) {
    const field = this.form.elements[name];
    if (!field || value === undefined || value === null || value === "") return;
    field.value = value;
  }

  choose(verdict) {
    this.set("verdict", verdict);
    this.form.dispatchEvent(new Event("input", { bubbles: true }));
  }

  fill(values) {
    for (const [name, value] of Object.entries(values)) this.set(name, String(value));
    this.refresh();
  }

  refresh() {
    const verdict = this.get("verdict");
    const wrong = verdict === "correct" || verdict === "reject";
    this.form.querySelector(".kind").hidden = !wrong;
    this.form.querySelector(".editor").hidden = !wrong;
    if (wrong) showDiff(this.diff, this.response, this.editor.value);
    this.complain("");
  }

  complain(text) {
    this.problem.textContent = text;
    this.problem.hidden = !text;
  }

  judgement() {
    const wrong = this.get("verdict") !== "accept";
    return {
      verdict: this.get("verdict"),
      error_kind: wrong ? this.get("error_kind") : "",
      corrected_response: wrong ? this.get("corrected_response") : "",
      comment: this.get("comment"),
    };
  }

  missing() {
    if (!this.get("verdict")) return "Choose a verdict: accept, correct or reject.";
    if (this.get("verdict") === "accept") return "";
    if (!this.get("error_kind")) return "Say which kind of error it is.";
    const same = this.editor.value.trim() === this.response.trim();
    if (this.get("verdict") === "correct" && same) return "Edit the response, or accept it as it is.";
    return "";
  }
}

export const isTyping = (target) => target.matches("textarea, input:not([type=radio]), select");
