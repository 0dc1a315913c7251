// The draft of a form: restored from the newer of two copies and saved on changes.

import { say } from "./announce.js";
import { send } from "./api.js";
import { Autosave } from "./autosave.js";
import { hideBanner } from "./banner.js";
import { showConflict } from "./draft_conflict.js";
import { LocalDraft, newTab } from "./draft_store.js";
import { showSaveStatus } from "./save_status.js";
import { beforeSignOut } from "./sign_out.js";
import { toast } from "./toast.js";

/**
 * @param initial the page's state: id, user, draft
 * @param form a VerdictForm or RatingForm: an object with `form`, `problem`, `values` and `fill`
 * @param path of the draft in the API
 * @param saved called with the server's response
 * @param refused called with an error that is not transient
 */
export function createDraft(initial, form, { path = `/api/items/${initial.id}/draft`, saved = () => {}, refused }) {
  const tab = newTab();
  const local = new LocalDraft(initial.user, initial.id, tab);
  let conflict = null;

  /** Show both drafts, or, where nothing was typed here, the newer one. */
  function meet(other) {
    if (!autosave.dirty) {
      take(other);
      toast("The form shows the newer draft of another tab or browser.");
      return;
    }
    autosave.conflicted = true;
    local.park();
    local.write(autosave.values());
    showSaveStatus("refused");
    conflict = showConflict(form.form, other, { keep: () => keep(other), take: () => take(other) });
  }

  function keep(other) {
    conflict = null;
    local.unpark();
    autosave.contain(other);
    autosave.touch();
  }

  function take(other) {
    conflict = null;
    local.unpark();
    form.form.reset();
    form.fill(other);
    autosave.contain(other);
    autosave.savedAt = autosave.editedAt;
    showSaveStatus("");
  }

  const autosave = new Autosave({
    read: () => form.values(),
    put: async (values, options) => saved(await send("PUT", path, values, options)),
    local,
    tab,
    newer: meet,
    report(state, error) {
      showSaveStatus(state);
      if (state === "saved") {
        hideBanner();
        if (form.problem.hasAttribute("data-transient")) form.showProblem("");
      }
      if (state === "refused") refused(error);
    },
  });
  form.form.addEventListener("input", () => autosave.touch());
  beforeSignOut(async () => {
    await autosave.flush();
    if (autosave.conflicted) return "Choose the draft to keep first.";
    if (autosave.dirty && autosave.failures) return "The server does not respond, so your draft can't be saved.";
    autosave.end();
    return "";
  });
  return {
    autosave,
    local,
    meet,
    /** The query of a submission that says which draft this page has seen. */
    get seen() {
      return `tab=${tab}&base=${autosave.base}`;
    },
    /** Show the choice between two drafts again; return whether there is one. */
    showConflict() {
      conflict?.scrollIntoView({ block: "nearest" });
      conflict?.querySelector("button").focus();
      return Boolean(conflict);
    },
    /** Fill the form with the newer copy; return whether there was one. */
    restore() {
      const served = Number(initial.draft.edited_at ?? 0);
      const copy = local.read()?.values;
      const newer = Number(copy?.edited_at ?? 0) > served;
      form.fill(newer ? copy : initial.draft);
      if (newer || served) autosave.resume(newer ? Number(copy.edited_at) : served, !newer);
      if (newer && initial.draft.tab !== copy.tab && served > Number(copy.base ?? 0)) meet(initial.draft);
      else if (newer) say("Your draft has been restored.");
      return newer || Object.keys(initial.draft).length > 0;
    },
    finish() {
      autosave.end();
      local.remove();
    },
  };
}
