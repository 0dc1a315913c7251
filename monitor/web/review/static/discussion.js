// The page of an item after both reviews: discussion, adjudication, audit.

import { initialState, send } from "./api.js";
import { showBanner } from "./banner.js";
import { button } from "./button.js";
import { showDiff } from "./diff_view.js";
import { setDirection } from "./direction.js";
import { createDraft } from "./draft.js";
import { Fields } from "./fields.js";
import { createFlag } from "./flag.js";
import { VerdictForm } from "./verdict_form.js";
import { leaveGuidelines, toggleGuidelines } from "./guidelines.js";
import { hint } from "./hint.js";
import { listen } from "./keys.js";
import { bindLeadActions } from "./lead_actions.js";
import { follow } from "./poll.js";
import { handleUserRefusal } from "./request_errors.js";
import { toast, toastOnNextPage } from "./toast.js";

const initial = initialState();
const path = `/api/items/${initial.id}`;
const element = document.getElementById("resolution");
const message = document.getElementById("message");

function showTexts(part) {
  for (const text of part.querySelectorAll("[data-diff]")) showChanges(text, initial.response, text.textContent);
}

/** Show the changed words in their context; a button shows what doesn't fit. */
function showChanges(text, before, after) {
  setDirection(text, before + after);
  showDiff(text, before, after, { keep: 60, fold: 200 });
  if (text.scrollHeight <= text.clientHeight + 1) return;
  const all = button("Show all", () => {
    text.classList.add("whole");
    text.focus();
    all.remove();
  });
  all.className = "quiet";
  text.after(all);
}

showTexts(document);
const between = document.getElementById("between");
if (between) showChanges(between, ...initial.texts);
bindLeadActions(initial.id);

const actions = {
  Escape: leaveGuidelines,
  g: toggleGuidelines,
  o: goToNext,
  u: () => "Both reviews are compared: this one can't be undone any more.",
  "?": () => document.getElementById("help").showModal(),
};
document.getElementById("next").addEventListener("click", goToNext);
const text = document.getElementById("conversation");
let submit;
let leave;

function goToNext() {
  const query = new URLSearchParams(location.search);
  query.set("after", initial.id);
  location.assign(`/review/next?${query}`);
}

if (element) {
  const form = new VerdictForm(element, initial.response);
  const fields = new Fields(element);
  const draft = createDraft(initial, form, { refused: showProblem });
  let busy = false;

  function showProblem(error) {
    if (!handleUserRefusal(error)) form.showProblem(error.message);
  }

  async function act(action) {
    if (busy || draft.showConflict()) return;
    busy = true;
    try {
      await draft.autosave.hold();
      await action();
    } catch (error) {
      if (error.newerDraft) draft.meet(error.newerDraft);
      else showProblem(error);
    } finally {
      busy = false;
      draft.autosave.release();
    }
  }

  async function propose(judgement) {
    const { status } = await send("POST", `${path}/resolution?${draft.seen}`, judgement);
    draft.finish();
    toastOnNextPage(status === "gold" ? `Item ${initial.id} is settled.` : "Proposed. The item is settled when the other reviewer agrees.");
    if (status === "gold") goToNext();
    else location.reload();
  }

  async function decide(judgement) {
    if (initial.state === "audit") {
      const { differences } = await send("POST", `${path}/audit?${draft.seen}`, judgement);
      toastOnNextPage(differences.length
        ? `Audited. Your verdict differs (${differences.join(", ")}) and replaces the agreed one.`
        : "Audited. You agree with both reviewers.");
    } else {
      await send("POST", `${path}/adjudication?${draft.seen}`, { ...judgement, cause: form.get("cause") });
      toastOnNextPage(`Item ${initial.id} is decided.`);
    }
    draft.finish();
    goToNext();
  }

  const missing = () => {
    const cause = initial.state === "adjudication" && !form.get("cause");
    return form.missing() ?? (cause ? ["cause", "Select the cause of the disagreement."] : null);
  };

  submit = () => {
    if (document.activeElement === message) {
      write();
      return;
    }
    const lacks = missing();
    if (lacks) {
      form.showProblem(lacks[1]);
      hint(lacks[1]); // in sight wherever the pane is scrolled to
      fields.focus(fields.named(lacks[0]));
      return;
    }
    act(() => (initial.state === "disagreed" ? propose : decide)(form.review()));
  };

  function write() {
    const text = message.value.trim();
    if (!text) return;
    act(async () => {
      await send("POST", `${path}/messages`, { text });
      message.value = "";
      draft.autosave.touch();
      refresh();
    });
  }

  const refresh = follow(["messages", "proposals"], showTexts, () => {
    if (!message?.value.trim() && !draft.autosave.dirty) location.reload();
    else {
      const text = "This item has changed while you were writing. Your text stays here for you to copy.";
      showBanner(text, [["Reload", () => location.reload()]]);
    }
  });

  const verdict = (value, at = true) => {
    form.choose(value);
    if (value === "correct" && at) form.edit();
    else if (at) fields.goTo(missing());
  };

  element.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  for (const radio of element.elements.verdict) {
    radio.addEventListener("click", (event) => verdict(radio.value, event.detail > 0));
  }
  message?.addEventListener("input", () => {
    setDirection(message, message.value);
    draft.autosave.touch();
  });
  document.getElementById("send")?.addEventListener("click", write);
  document.getElementById("proposals")?.addEventListener("click", (event) => {
    const proposal = event.target.closest("[data-proposal]")?.dataset.proposal;
    if (proposal) act(() => propose(JSON.parse(proposal)));
  });
  const escalate = document.getElementById("escalate");
  const askAdjudicator = () => escalate.showModal();
  document.getElementById("escalate-button")?.addEventListener("click", askAdjudicator);
  escalate.addEventListener("close", () => {
    if (escalate.returnValue !== "yes") return;
    act(async () => {
      await send("POST", `${path}/escalation`);
      draft.finish();
      toastOnNextPage(`Item ${initial.id} is passed to an adjudicator.`);
      goToNext();
    });
  });

  const askToFlag = createFlag({
    item: initial.id,
    path,
    act: (flag) => act(async () => {
      await flag();
      draft.finish();
      goToNext();
    }),
  });

  /** Move to the newest proposal of the other reviewer: agreeing can't be undone, so that it takes Enter too. */
  const goToProposal = () => {
    const agree = [...document.querySelectorAll("#proposals .agree")].at(-1);
    agree?.focus();
    return agree ? "Enter agrees with this proposal, which settles the item." : "The other reviewer has proposed nothing yet.";
  };

  leave = (target) => (target === message || !form.verdict ? fields.leave(target) : fields.goTo(missing()));
  const digit = (_event, key) => {
    if (!fields.nth(Number(key))) return "No field takes this digit here. Press \u2191 or \u2193 to go to one.";
    fields.goTo(missing());
    return true;
  };
  Object.assign(actions, {
    ...Object.fromEntries([..."123456"].map((key) => [key, digit])),
    a: () => verdict("accept"),
    x: () => verdict("reject"),
    e: () => verdict("correct"),
    d: () => form.toggleDiff(),
    f: askToFlag,
    ...(message ? { t: () => message.focus(), y: goToProposal, j: askAdjudicator } : {}),
    ArrowDown: () => fields.move(1),
    ArrowUp: () => fields.move(-1),
    ArrowRight: (event) => fields.step(event, true),
    ArrowLeft: (event) => fields.step(event, false),
  });
  if (!draft.restore() && initial.start) form.fill(initial.start);
} else if (initial.state === "disagreed" || initial.state === "adjudication") {
  follow(["messages", "proposals"], showTexts, () => {
    toast("This item has changed. Reload the page.");
  });
}

listen({ actions, submit, leave, text });
