// Rating an item of a study: everything by keyboard, nothing lost.

import { actor } from "./submission.js";
import { initialState, send } from "./api.js";
import { showBanner } from "./banner.js";
import { draftOf } from "./draft.js";
import { Fields } from "./fields.js";
import { listen } from "./keys.js";
import { leaseOf } from "./lease.js";
import { refusedPerson } from "./refusal.js";
import { showSaving } from "./save_status.js";
import { Scores } from "./scores.js";
import { StudyForm } from "./rating_form.js";
import { toastLater } from "./toast.js";
import { noteSubmitted, offerUndo, takeBack } from "./undo.js";

const initial = initialState();
const study = `/human-evaluations/${initial.human_evaluation}`;
const path = `/api${study}/items/${initial.number}`;
const element = document.getElementById("rating");
const form = new StudyForm(element, initial);
const fields = new Fields(element);
const scores = new Scores(element, form);
const help = document.getElementById("help");
const declining = document.getElementById("decline");

const draft = draftOf({ ...initial, id: `study-${initial.human_evaluation}-${initial.number}` }, form, {
  path: `${path}/draft`,
  saved: (answer) => lease.extend(answer.lease_until),
  refused: stand,
});

const lease = leaseOf(initial, path, stand);
const act = actor({ element, draft, goOn, explain });

/** The server refuses this person or this item: say what to do. */
function stand(refused) {
  if (refusedPerson(refused)) return;
  if (refused.status !== 404 && refused.status !== 409) {
    form.complain(refused.message);
    return;
  }
  draft.finish();
  lease.stop();
  for (const control of element.querySelectorAll("input, textarea, .actions button")) control.disabled = true;
  const reason = refused.status === 404 ? "This item is no longer yours to rate." : refused.message;
  showBanner(reason, [["Go on", () => goOn()]]);
  showSaving("");
}

async function goOn() {
  const next = await send("POST", `/api${study}/claim`).then(({ item }) => item, () => null);
  location.assign(next ? `${study}/rate` : study);
}

function explain(refused) {
  if (refused.passes) form.complain(`${refused.message} Try again in a moment.`);
  else stand(refused);
}

function submit() {
  const missing = form.missing();
  if (missing) {
    form.complain(missing[1]);
    goTo(missing[0]);
    return;
  }
  act(async () => {
    await send("POST", `${path}/ratings`, { ratings: form.ratings(), comment: form.get("comment") });
    noteSubmitted({ item: initial.number, path: `${path}/ratings`, back: `${study}/rate` });
  });
}

async function skip() {
  await draft.autosave.flush(); // it comes back with what was chosen
  act(() => send("POST", `${path}/decline`));
}

function askToDecline() {
  declining.returnValue = "";
  declining.showModal();
}

// No submit button, so that Enter in the reason's field gives the item away.
document.getElementById("keep-button").addEventListener("click", () => declining.close());
declining.addEventListener("close", () => {
  if (declining.returnValue !== "decline") return;
  const reason = new FormData(declining.querySelector("form")).get("reason").trim() || "Not mine to judge";
  act(async () => {
    await send("POST", `${path}/decline`, { reason });
    toastLater(`Item ${initial.number} goes to somebody else.`);
  });
});

/** Make a row the one that digits go to, and bring it into sight. */
function goTo(name) {
  scores.mark(scores.names.indexOf(name));
  fields.focus(scores.rows[scores.active]);
}

function score(event) {
  const row = scores.rows[scores.active];
  if (!row.querySelector(`input[value="${event.key}"]`)) return false;
  scores.score(event.key);
  const next = scores.rows[scores.active];
  next.scrollIntoView({ block: "nearest" });
  if (!row.contains(document.activeElement) && !next.contains(document.activeElement)) document.activeElement?.blur();
  return true;
}

element.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
document.getElementById("skip-button").addEventListener("click", skip);
document.getElementById("decline-button").addEventListener("click", askToDecline);

listen({
  submit,
  leave: (target) => fields.leave(target),
  actions: {
    ...Object.fromEntries([..."0123456789"].map((key) => [key, score])),
    ...Object.fromEntries(
      initial.letters.map((letter) => [letter.toLowerCase(), () => goTo(form.openFieldOf(letter))]),
    ),
    m: () => element.elements.comment.focus(),
    s: skip,
    n: askToDecline,
    u: () => takeBack(),
    "?": () => help.showModal(),
    ArrowDown: () => fields.move(1),
    ArrowUp: () => fields.move(-1),
    ArrowRight: (event) => fields.step(event, true),
    ArrowLeft: (event) => fields.step(event, false),
  },
});
draft.restore();
scores.markNext();
offerUndo();
