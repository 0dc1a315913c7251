// The discussion page: both reviews side by side, then one proposal that both make, or a ruling.

import { initialState, send } from "./api.js";
import { showDiff } from "./diff.js";
import { JudgementForm } from "./form.js";

const initial = initialState();
const element = document.getElementById("resolution");

for (const text of document.querySelectorAll("[data-diff]")) showDiff(text, initial.response, text.textContent);

if (element) {
  const form = new JudgementForm(element, initial.response);
  const path = `/api/items/${initial.id}`;

  const act = async (action) => {
    try {
      await action();
      location.reload();
    } catch (refused) {
      form.complain(refused.message);
    }
  };

  const submit = () => {
    const missing = form.missing() || (initial.adjudicate && !form.get("cause") ? "Say why a decision was needed." : "");
    if (missing) {
      form.complain(missing);
    } else if (initial.adjudicate) {
      act(async () => {
        await send("POST", `${path}/adjudication`, { ...form.judgement(), cause: form.get("cause") });
        location.assign("/review");
      });
    } else {
      act(() => send("POST", `${path}/resolution`, form.judgement()));
    }
  };

  element.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
  });
  document.getElementById("escalate")?.addEventListener("click", () => act(() => send("POST", `${path}/escalation`)));
  for (const button of document.querySelectorAll(".agree")) {
    const { own, ...proposal } = initial.proposals[Number(button.dataset.proposal)];
    button.addEventListener("click", () => act(() => send("POST", `${path}/resolution`, proposal)));
  }
}
