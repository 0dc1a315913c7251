// The review page: everything by keyboard, nothing lost.

import { actor } from "./submission.js";
import { initialState, send } from "./api.js";
import { showBanner } from "./banner.js";
import { draftOf } from "./draft.js";
import { Fields } from "./fields.js";
import { JudgementForm } from "./verdict_form.js";
import { toggleGuide } from "./guidelines.js";
import { listen } from "./keys.js";
import { leaseOf } from "./lease.js";
import { refusedPerson } from "./refusal.js";
import { showSaving } from "./save_status.js";
import { Scores } from "./scores.js";
import { toastLater } from "./toast.js";
import { noteSubmitted, offerUndo, reviewOf, takeBack } from "./undo.js";

const initial = initialState();
const path = `/api/items/${initial.id}`;
const element = document.getElementById("review");
const form = new JudgementForm(element, initial.response);
const fields = new Fields(element);
const scores = new Scores(element, form);
const help = document.getElementById("help");
const flagDialog = document.getElementById("flag");

const draft = draftOf(initial, form, {
  saved: (answer) => lease.extend(answer.lease_until),
  refused: stand,
});

const lease = leaseOf(initial, path, stand);
const act = actor({ element, draft, goOn, explain });

/** The server refuses this person or this item: say what to do; what was typed stays. */
function stand(refused) {
  if (refusedPerson(refused)) return;
  if (refused.status === 404 || refused.status === 409) lose(refused);
  else form.complain(refused.message);
}

/** Others have the item, or it is out of review: keep the text to copy, and let go. */
function lose(refused) {
  draft.autosave.end();
  lease.stop();
  const typed = draft.autosave.editedAt > 0;
  if (typed) draft.local.write(draft.autosave.values(), true);
  element.classList.add("lost");
  for (const control of element.querySelectorAll("input, .actions button")) control.disabled = true;
  for (const text of element.querySelectorAll("textarea")) text.readOnly = true;
  const reason = refused.status === 404 ? "This item is no longer yours to review." : refused.message;
  const actions = [["Go on with the next item", () => goOn()]];
  if (typed) actions.push(["Copy what I wrote", copy]);
  showBanner(typed ? `${reason} What you wrote is kept here and on your queue, for you to copy.` : reason, actions);
  showSaving("");
}

async function copy(button) {
  const text = [form.editor.value, form.get("comment")].filter(Boolean).join("\n\n");
  await navigator.clipboard.writeText(text).then(
    () => (button.textContent = "Copied"),
    () => form.editor.select(),
  );
}

function start() {
  draft.restore();
  scores.markNext();
  offerUndo();
}

/** `at` says whether to go on into the editor: not when the arrows only pass over the verdicts. */
function decide(verdict, at = true) {
  form.choose(verdict);
  if (verdict === "accept") scores.fill("5");
  if (verdict === "correct" && at) form.edit();
  scores.markNext();
}

async function goOn() {
  const { item } = await send("POST", "/api/items/claim");
  location.assign(item ? `/review/${item}` : "/review");
}

/** A refusal is about the review, which can be mended, or about the item, which is gone: a heartbeat knows. */
async function explain(refused) {
  if (refused.passes) form.complain(`${refused.message} Try again in a moment.`);
  else if (refused.status !== 409) stand(refused);
  else {
    const gone = await send("POST", `${path}/heartbeat`).then(() => null, (error) => error);
    if (gone && !gone.passes) stand(gone);
    else form.complain(refused.message);
  }
}

function submit() {
  const missing = form.missing() ?? scores.missing();
  if (missing) {
    form.complain(missing[1]);
    fields.focus(fields.named(missing[0]));
    return;
  }
  act(async () => {
    await send("POST", `${path}/review`, { ...form.judgement(), ...scores.values() });
    noteSubmitted(reviewOf(initial.id));
  });
}

async function skip() {
  await draft.autosave.flush(); // it comes back with what was typed
  act(() => send("POST", `${path}/decline`));
}

function askToFlag() {
  flagDialog.returnValue = "";
  flagDialog.showModal();
}

flagDialog.addEventListener("close", () => {
  if (flagDialog.returnValue !== "take-out") return;
  const chosen = new FormData(flagDialog.querySelector("form"));
  const reason = [chosen.get("what"), chosen.get("details").trim()].filter(Boolean).join(": ");
  const route = chosen.get("what") === "Not mine to judge" ? "decline" : "flag";
  act(async () => {
    await send("POST", `${path}/${route}`, { reason });
    toastLater(route === "flag" ? `Item ${initial.id} is flagged. A lead looks at it.` : `Item ${initial.id} goes to somebody else.`);
  });
});

const digit = (event) => fields.nth(Number(event.key)) || (event.key <= "5" && scores.score(event.key));

element.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
for (const radio of element.elements.verdict) {
  radio.addEventListener("click", (event) => decide(radio.value, event.detail > 0));
}
document.getElementById("skip-button").addEventListener("click", skip);
document.getElementById("flag-button").addEventListener("click", askToFlag);

listen({
  submit,
  leave: (target) => fields.leave(target),
  actions: {
    ...Object.fromEntries([..."123456"].map((key) => [key, digit])),
    a: () => decide("accept"),
    x: () => decide("reject"),
    e: () => decide("correct"),
    s: skip,
    f: askToFlag,
    g: toggleGuide,
    d: () => form.toggleDiff(),
    u: () => takeBack(),
    "?": () => help.showModal(),
    ArrowDown: () => fields.move(1),
    ArrowUp: () => fields.move(-1),
    ArrowRight: (event) => fields.step(event, true),
    ArrowLeft: (event) => fields.step(event, false),
  },
});
start();
