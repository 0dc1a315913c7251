// The review page.

import { createSubmission } from "./submission.js";
import { initialState, send } from "./api.js";
import { showBanner } from "./banner.js";
import { createDecline } from "./decline.js";
import { createDraft } from "./draft.js";
import { createFlag } from "./flag.js";
import { Fields } from "./fields.js";
import { VerdictForm } from "./verdict_form.js";
import { leaveGuidelines, toggleGuidelines } from "./guidelines.js";
import { hint } from "./hint.js";
import { listen } from "./keys.js";
import { watchLease } from "./lease.js";
import { handleUserRefusal } from "./request_errors.js";
import { showSaveStatus } from "./save_status.js";
import { Scores } from "./scores.js";
import { rememberFinal, rememberSubmission, offerUndo, submittedReview, withdraw } from "./undo.js";

const initial = initialState();
const path = `/api/items/${initial.id}`;
const element = document.getElementById("review");
const form = new VerdictForm(element, initial.response);
const fields = new Fields(element);
const scores = new Scores(element, form, fields);
const help = document.getElementById("help");
const LOST = "This item is not yours any more. Press O for the next one.";
let isLost = false;

const draft = createDraft(initial, form, {
  saved: (answer) => lease.extend(answer.lease_until),
  refused: handleRefusal,
});

const lease = watchLease(initial, path, handleRefusal);
const act = createSubmission({ element, draft, goToNext, showError });
const askToDecline = createDecline({ item: initial.id, path, act });
const askToFlag = createFlag({ item: initial.id, path, act });

/** Handle a refusal of the user or the item; the form keeps its text. */
function handleRefusal(error) {
  if (handleUserRefusal(error)) return;
  if (error.status === 404 || error.status === 409) closeLostItem(error);
  else form.showProblem(error.message);
}

/** Close an item that other reviewers have taken or that is withdrawn, keeping the text to copy. */
function closeLostItem(error) {
  isLost = true;
  draft.autosave.end();
  lease.stop();
  const typed = draft.autosave.editedAt > 0;
  if (typed) draft.local.write(draft.autosave.values(), true);
  element.classList.add("lost");
  for (const control of element.querySelectorAll("input, .actions button")) control.disabled = true;
  for (const text of element.querySelectorAll("textarea")) text.readOnly = true;
  const reason = error.status === 404 ? "This item is no longer assigned to you." : error.message;
  const actions = [["Next item", goOn]];
  if (typed) actions.push(["Copy my text", copy]);
  showBanner(typed ? `${reason} Your text is saved here and on your queue for you to copy.` : reason, actions);
  showSaveStatus("");
}

async function copy(button) {
  const text = [form.editor.value, form.get("comment")].filter(Boolean).join("\n\n");
  await navigator.clipboard.writeText(text).then(
    () => (button.textContent = "Copied"),
    () => form.editor.select(),
  );
}

/** How long an item has to be in sight before a single key accepts it. */
const SEEN_AFTER = 300;
let isSeen = false;

function start() {
  draft.restore();
  scores.adopt(proposed());
  scores.markNext();
  const see = () => {
    isSeen = true;
    element.dataset.seen = "";
  };
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(see, SEEN_AFTER)));
  offerUndo(undo);
}

function undo() {
  return withdraw(undefined, { item: initial.id, draft });
}

/** Return the scores that the page fills in for the verdict and the kind of error. */
function proposed() {
  const of = initial.proposed_scores[form.verdict]?.[form.get("error_kind")];
  return of ?? Object.fromEntries(scores.names.map((name) => [name, form.verdict === "accept" ? 5 : ""]));
}

const missing = () => form.missing() ?? scores.missing();

/** `at`: whether to move the focus on; not while the arrow keys move over the verdicts. */
function decide(verdict, at = true) {
  form.choose(verdict);
  scores.propose(proposed());
  if (!at) return;
  if (verdict === "correct") form.edit();
  else fields.goTo(missing());
}

/** Accept and submit by one key: never an item that nobody has seen yet, nor over an edit. */
function accept() {
  if (!isSeen) return "This item has only just opened: press A again to accept it.";
  decide("accept");
  if (form.isEdited) return "You edited the response. Enter accepts it as the model wrote it; E keeps your edit.";
  submit();
  return true;
}

/** Answer the marked field, and move on to what is missing. */
function digit(_event, key) {
  const field = fields.nth(Number(key));
  if (field) {
    fields.goTo(missing());
    return true;
  }
  const isLast = scores.active === scores.names.length - 1;
  if (!scores.score(key)) return "No field takes this digit here. Press \u2191 or \u2193 to go to one, or Enter on Submit.";
  if (isLast) fields.goTo(missing());
  return true;
}

/** Leave a text: for the next field that is missing, or for Submit. */
function leave(target) {
  if (form.verdict && !isLost) fields.goTo(missing());
  else fields.leave(target);
}

/** `reply`: of a submission, which has claimed the next item if it could. */
async function goToNext(reply) {
  const claim = () => send("POST", `/api/items/claim${location.search}`);
  const item = reply?.next === undefined ? (await claim()).item : reply.next;
  location.assign((item ? `/review/${item}` : "/review") + location.search);
}

/** Go on from a lost item. */
function goOn() {
  goToNext().catch((error) => handleUserRefusal(error) || hint(error.message));
}

/** A heartbeat tells whether a refusal concerns the review, which can be fixed, or a lost item. */
async function showError(error) {
  if (error.isTransient) form.showProblem(`${error.message} Try again in a moment.`, { isTransient: true });
  else if (error.status !== 409) handleRefusal(error);
  else {
    const refusal = await send("POST", `${path}/heartbeat`).then(() => null, (failure) => failure);
    if (refusal && !refusal.isTransient) handleRefusal(refusal);
    else form.showProblem(error.message);
  }
}

function submit() {
  if (isLost) {
    hint(LOST);
    return;
  }
  const lacks = missing();
  if (lacks) {
    form.showProblem(lacks[1]);
    fields.focus(fields.named(lacks[0]));
    return;
  }
  act(async () => {
    const query = `${draft.seen}&undoable=true&claims=true${location.search.replace("?", "&")}`;
    const reply = await send("POST", `${path}/review?${query}`, { ...form.review(), ...scores.values() });
    rememberSubmission(submittedReview(initial.id));
    return reply;
  });
}

async function skip() {
  await draft.autosave.flush(); // the item comes back with its draft
  act(async () => {
    await send("POST", `${path}/decline`);
    rememberFinal(`You skipped item ${initial.id}, which comes back after all others. Submitted lists your reviews.`);
  });
}

element.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
for (const radio of element.querySelectorAll("[name=error_kind]")) {
  radio.addEventListener("click", () => scores.propose(proposed()));
}
for (const radio of element.elements.verdict) {
  radio.addEventListener("click", (event) => decide(radio.value, event.detail > 0));
}
document.getElementById("skip-button").addEventListener("click", skip);

/** Return actions on the item, which say so once it is lost. */
function ofItem(actions) {
  const entries = Object.entries(actions);
  return Object.fromEntries(entries.map(([key, action]) => [key, (...of) => (isLost ? LOST : action(...of))]));
}

listen({
  submit,
  leave,
  text: document.getElementById("conversation"),
  actions: {
    ...ofItem({
      ...Object.fromEntries([..."123456"].map((key) => [key, digit])),
      a: accept,
      x: () => decide("reject"),
      e: () => decide("correct"),
      s: skip,
      f: askToFlag,
      n: askToDecline,
      d: () => form.toggleDiff(),
      ArrowDown: () => fields.move(1),
      ArrowUp: () => fields.move(-1),
      ArrowRight: (event) => fields.step(event, true),
      ArrowLeft: (event) => fields.step(event, false),
    }),
    o: () => (isLost ? goOn() : "O is for an item that you have lost. Submit this one, or press S to skip it."),
    Escape: leaveGuidelines,
    g: toggleGuidelines,
    u: undo,
    "?": () => help.showModal(),
  },
});
start();
