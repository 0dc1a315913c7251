// Requests to the JSON API, with the CSRF token of the page.

import { noteRedactions } from "./redacted.js";

const token = document.querySelector('meta[name="csrf-token"]').content;

class RequestError extends Error {
  /** `status` is 0 if the server does not respond. */
  constructor(status, detail, extra = {}) {
    super(detail);
    this.status = status;
    this.extra = extra;
  }

  /** Whether the same request may succeed later. */
  get isTransient() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** The draft of another page with edits that this one doesn't contain, where that is the reason. */
  get newerDraft() {
    return this.extra?.newer_draft;
  }

  get isSignedOut() {
    return this.status === 401;
  }
}

export async function send(method, path, body = {}, options = {}) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { "Content-Type": "application/json", "x-csrftoken": token },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
      ...options,
    });
  } catch {
    throw new RequestError(0, "The server does not respond. Your text is saved in this browser.");
  }
  const content = await response.json().catch(() => ({}));
  if (response.ok) {
    noteRedactions(content.redacted, { isDraft: method === "PUT", item: path.match(/\/items\/(\d+)\//)?.[1] });
    return content;
  }
  if (response.status === 401) throw new RequestError(401, "You have been signed out. Your text is saved in this browser.");
  throw new RequestError(response.status, sentence(content.detail ?? "The request failed."), content.extra);
}

export function initialState() {
  return JSON.parse(document.getElementById("initial").textContent);
}

function sentence(text) {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
}
