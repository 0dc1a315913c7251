// The draft of a form: restored from the newer of two copies and saved on changes.

import { say } from "./announce.js";
import { send } from "./api.js";
import { Autosave } from "./autosave.js";
import { hideBanner } from "./banner.js";
import { LocalDraft } from "./draft_store.js";
import { showSaveStatus } from "./save_status.js";
import { beforeSignOut } from "./sign_out.js";

/**
 * @param initial the page's state: id, user, draft
 * @param form a VerdictForm or RatingForm: an object with `form`, `problem`, `values` and `fill`
 * @param path of the draft in the API
 * @param saved called with the server's response
 * @param refused called with an error that is not transient
 */
export function createDraft(initial, form, { path = `/api/items/${initial.id}/draft`, saved = () => {}, refused }) {
  const local = new LocalDraft(initial.user, initial.id);
  const autosave = new Autosave({
    read: () => form.values(),
    put: async (values, options) => saved(await send("PUT", path, values, options)),
    local,
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
    if (autosave.dirty && autosave.failures) return false;
    autosave.end();
    return true;
  });
  return {
    autosave,
    local,
    /** Fill the form with the newer copy; return whether there was one. */
    restore() {
      const served = Number(initial.draft.edited_at ?? 0);
      const copy = local.read()?.values;
      const newer = Number(copy?.edited_at ?? 0) > served;
      form.fill(newer ? copy : initial.draft);
      if (newer || served) autosave.resume(newer ? Number(copy.edited_at) : served, !newer);
      if (newer) say("Your draft has been restored.");
      return newer || Object.keys(initial.draft).length > 0;
    },
    finish() {
      autosave.end();
      local.remove();
    },
  };
}
