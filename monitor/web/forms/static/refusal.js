// What the page says where the server refuses the person, whatever they do on it.

import { showBanner } from "./banner.js";

/** Returns whether it was dealt with: signed out, or a page whose token has aged. */
export function refusedPerson(refused) {
  if (refused.signedOut) {
    const back = `/login?next=${encodeURIComponent(location.pathname)}`;
    showBanner(`${refused.message} Sign in, and go on where you were.`, [["Sign in again", back]]);
  } else if (refused.status === 403) {
    showBanner("This page has been open for too long. What you typed is kept.", [["Reload", () => location.reload()]]);
  } else {
    return false;
  }
  return true;
}
