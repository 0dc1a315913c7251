// Keyboard navigation of a form: arrows move between fields, digits select within one.

export class Fields {
  constructor(form) {
    this.form = form;
    form.addEventListener("focusin", (event) => {
      this.last = event.target.closest("[data-field]") ?? this.last;
    });
  }

  get all() {
    return [...this.form.querySelectorAll("[data-field]")].filter((field) => !field.closest("[hidden]"));
  }

  get current() {
    const focused = document.activeElement?.closest("[data-field]");
    return this.form.contains(focused) ? focused : null;
  }

  /** Move to the next field; return what to say where there is none. */
  move(step) {
    const next = this.neighbour(this.current ?? this.last, step);
    const isEnd = next === this.current;
    this.focus(next);
    return isEnd ? `This is the ${step > 0 ? "last" : "first"} field.` : true;
  }

  /** Move the focus to the field after one that has got its value: never into a text, where keys would type. */
  advance(field) {
    const next = this.neighbour(field, 1);
    if (next === field) return;
    if (next.querySelector("textarea")) next.focus();
    else this.focus(next);
  }

  neighbour(field, step) {
    const { all } = this;
    return all[Math.max(0, Math.min(all.length - 1, all.indexOf(field) + step))];
  }

  focus(field) {
    const target = field.querySelector("input:checked, textarea") ?? field.querySelector("input");
    target?.focus();
    field.scrollIntoView({ block: "nearest" });
  }

  named(name) {
    return this.form.querySelector(`[data-field="${name}"]`);
  }

  /** Move the focus from a text field to its frame, so that the arrow keys continue there. */
  leave(target) {
    const field = target.closest("[data-field]");
    if (field) field.focus();
    else target.blur();
  }

  /** Move the focus to what a form lacks, or to the button that submits it. Never into a text. */
  goTo(missing) {
    if (!missing) {
      this.form.querySelector("button[type=submit]").focus();
      return;
    }
    const field = this.named(missing[0]);
    if (field.querySelector("textarea")) field.focus();
    else this.focus(field);
  }

  /** Left and right: browsers move within a group, but skip its first option if none is selected. */
  step(event, forward) {
    const group = event.target.name ? [...this.form.querySelectorAll(`input[name="${event.target.name}"]`)] : [];
    if (!group.length) return "Press \u2191 or \u2193 to go to a field first.";
    if (group.some((radio) => radio.checked)) return false;
    choose(group.at(forward ? 0 : -1));
    return true;
  }

  /** Select the nth option of the focused field, if its options are numbered; return the field. */
  nth(digit) {
    const field = this.current;
    const option = field?.matches(".numbered") && field.querySelectorAll("input")[digit - 1];
    if (!option) return null;
    choose(option);
    return field;
  }
}

function choose(radio) {
  radio.focus();
  radio.click();
}
