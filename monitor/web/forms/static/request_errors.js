// Errors of requests that concern the user, not the item: signed out, or an expired token.

import { showBanner } from "./banner.js";

/** Show how to continue; return whether the error concerns the user. */
export function handleUserRefusal(error) {
  if (error.isSignedOut) {
    const back = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
    showBanner(`${error.message} Sign in to continue here.`, [["Sign in again", back]]);
  } else if (error.status === 403) {
    showBanner("This page was open for too long. Your text is saved.", [["Reload", () => location.reload()]]);
  } else {
    return false;
  }
  return true;
}
