// One way to talk to the server: JSON, with the token that shows the request comes from this page.

const token = document.querySelector('meta[name="csrf-token"]').content;

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export async function send(method, path, body = {}, options = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: { "Content-Type": "application/json", "x-csrftoken": token },
      body: JSON.stringify(body),
      ...options,
    });
  } catch {
    throw new Refused(0, "The server doesn't answer. What you typed stays here.");
  }
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  if (answer.status === 401) throw new Refused(401, "You were signed out. Sign in in another tab, then go on here.");
  throw new Refused(answer.status, content.detail ?? "That didn't work.");
}

export function initialState() {
  return JSON.parse(document.getElementById("initial").textContent);
}
