// The rating page of a human evaluation.

import { createSubmission } from "./submission.js";
import { initialState, send } from "./api.js";
import { showBanner } from "./banner.js";
import { createDecline } from "./decline.js";
import { createDraft } from "./draft.js";
import { Fields } from "./fields.js";
import { listen } from "./keys.js";
import { watchLease } from "./lease.js";
import { handleUserRefusal } from "./request_errors.js";
import { showSaveStatus } from "./save_status.js";
import { Scores } from "./scores.js";
import { RatingForm } from "./rating_form.js";
import { rememberSubmission, offerUndo, withdraw } from "./undo.js";

const initial = initialState();
const base = `/human-evaluations/${initial.human_evaluation}`;
const path = `/api${base}/items/${initial.number}`;
const element = document.getElementById("rating");
const form = new RatingForm(element, initial);
const fields = new Fields(element);
const scores = new Scores(element, form, fields);
const help = document.getElementById("help");

const draft = createDraft({ ...initial, id: `human-evaluation-${initial.human_evaluation}-${initial.number}` }, form, {
  path: `${path}/draft`,
  saved: (answer) => lease.extend(answer.lease_until),
  refused: handleRefusal,
});

const lease = watchLease(initial, path, handleRefusal);
const act = createSubmission({ element, draft, goToNext, showError });
const askToDecline = createDecline({ item: initial.number, path, act });

/** Handle a refusal of the user or the item. */
function handleRefusal(error) {
  if (handleUserRefusal(error)) return;
  if (error.status !== 404 && error.status !== 409) {
    form.showProblem(error.message);
    return;
  }
  draft.finish();
  lease.stop();
  for (const control of element.querySelectorAll("input, textarea, .actions button")) control.disabled = true;
  const reason = error.status === 404 ? "This item is no longer assigned to you." : error.message;
  showBanner(reason, [["Continue", () => goToNext()]]);
  showSaveStatus("");
}

async function goToNext() {
  const next = await send("POST", `/api${base}/claim`).then(({ item }) => item, () => null);
  location.assign(next ? `${base}/rate` : base);
}

function showError(error) {
  if (error.isTransient) form.showProblem(`${error.message} Try again in a moment.`, { isTransient: true });
  else handleRefusal(error);
}

function submit() {
  const missing = form.missing();
  if (missing) {
    form.showProblem(missing[1]);
    goTo(missing[0]);
    return;
  }
  act(async () => {
    await send("POST", `${path}/ratings?${draft.seen}`, { ratings: form.ratings(), comment: form.get("comment") });
    rememberSubmission({ item: initial.number, path: `${path}/ratings`, back: `${base}/rate` });
  });
}

async function skip() {
  await draft.autosave.flush(); // the item comes back with its draft
  act(() => send("POST", `${path}/decline`));
}

function undo() {
  return withdraw(undefined, { item: initial.number, draft });
}

function goTo(name) {
  fields.focus(fields.named(name));
}

element.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
document.getElementById("skip-button").addEventListener("click", skip);

listen({
  submit,
  leave: (target) => fields.leave(target),
  actions: {
    ...Object.fromEntries([..."0123456789"].map((key) => [key, () => scores.score(key) || "Press \u2191 or \u2193 to go to a rating first."])),
    ...Object.fromEntries(
      initial.labels.map((label) => [label.toLowerCase(), () => goTo(form.firstOpenField(label))]),
    ),
    m: () => element.elements.comment.focus(),
    s: skip,
    n: askToDecline,
    u: undo,
    "?": () => help.showModal(),
    ArrowDown: () => fields.move(1),
    ArrowUp: () => fields.move(-1),
    ArrowRight: (event) => fields.step(event, true),
    ArrowLeft: (event) => fields.step(event, false),
  },
});
draft.restore();
scores.markNext();
offerUndo(undo);
