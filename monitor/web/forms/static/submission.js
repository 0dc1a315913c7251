// Actions on the current item: one at a time, while saving of the draft is paused.

import { hint } from "./hint.js";

/**
 * @param element marked as busy during an action
 * @param draft of the item, from createDraft
 * @param goToNext called after an action, with what it returned
 * @param showError called with the error of a refused action
 * @returns a function that runs an action, and ignores calls while another one runs
 */
export function createSubmission({ element, draft, goToNext, showError }) {
  let busy = false;
  return async (action) => {
    if (busy) hint("The item is being submitted.");
    if (busy || draft.showConflict()) return;
    busy = true;
    element.setAttribute("aria-busy", "true");
    try {
      await draft.autosave.hold();
      const reply = await action();
      draft.finish();
      await goToNext(reply);
    } catch (error) {
      busy = false;
      element.removeAttribute("aria-busy");
      draft.autosave.release();
      if (error.newerDraft) draft.meet(error.newerDraft);
      else await showError(error);
    }
  };
}
