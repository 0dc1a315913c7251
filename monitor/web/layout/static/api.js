// One way to talk to the server: JSON, with the token that shows the request comes from this page.

const token = document.querySelector('meta[name="csrf-token"]').content;

export class Refused extends Error {
  /** `status` is 0 where the server doesn't answer at all. */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }

  /** Whether the same request may succeed later, without anybody doing anything. */
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  get signedOut() {
    return this.status === 401;
  }
}

export async function send(method, path, body = {}, options = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: { "Content-Type": "application/json", "x-csrftoken": token },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
      ...options,
    });
  } catch {
    throw new Refused(0, "The server doesn't answer. What you typed is kept on this computer.");
  }
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  if (answer.status === 401) throw new Refused(401, "You have been signed out. What you typed is kept on this computer.");
  throw new Refused(answer.status, sentence(content.detail ?? "That didn't work."));
}

export function initialState() {
  return JSON.parse(document.getElementById("initial").textContent);
}

function sentence(text) {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
}
