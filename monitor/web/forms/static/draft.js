// The draft of a form of judgement: which of two copies is the newer, and saving it as it changes.

import { say } from "./announce.js";
import { send } from "./api.js";
import { Autosave } from "./autosave.js";
import { hideBanner } from "./banner.js";
import { LocalDraft } from "./draft_store.js";
import { showSaving } from "./save_status.js";
import { beforeSignOut } from "./sign_out.js";

/**
 * @param initial the page's state: id, person, draft
 * @param form what is filled in: a JudgementForm, or another with `form`, `values` and `fill`
 * @param path where drafts are saved
 * @param saved called with the server's answer
 * @param refused called with an error that doesn't pass by itself
 */
export function draftOf(initial, form, { path = `/api/items/${initial.id}/draft`, saved = () => {}, refused }) {
  const local = new LocalDraft(initial.user, initial.id);
  const autosave = new Autosave({
    read: () => form.values(),
    put: async (values, options) => saved(await send("PUT", path, values, options)),
    local,
    tell(state, error) {
      showSaving(state);
      if (state === "saved") hideBanner();
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
    /** Fill the form with the newer copy; returns whether there was one. */
    restore() {
      const served = Number(initial.draft.edited_at ?? 0);
      const kept = local.read()?.values;
      const newer = Number(kept?.edited_at ?? 0) > served;
      form.fill(newer ? kept : initial.draft);
      if (newer || served) autosave.resume(newer ? Number(kept.edited_at) : served, !newer);
      if (newer) say("What you typed before is back.");
      return newer || Object.keys(initial.draft).length > 0;
    },
    finish() {
      autosave.end();
      local.remove();
    },
  };
}
