// What is done with the item in hand: one action at a time, while its draft holds still.

/**
 * @param element is marked as busy meanwhile
 * @param draft of the item, as draftOf gives it
 * @param goOn leads on, once an action is done
 * @param explain is told the error of an action that was refused
 * @returns runs an action; while another one runs, it does nothing
 */
export function actor({ element, draft, goOn, explain }) {
  let busy = false;
  return async (action) => {
    if (busy) return;
    busy = true;
    element.setAttribute("aria-busy", "true");
    try {
      await draft.autosave.hold();
      await action();
      draft.finish();
      await goOn();
    } catch (refused) {
      busy = false;
      element.removeAttribute("aria-busy");
      draft.autosave.release();
      await explain(refused);
    }
  };
}
