"""Next steps: one for the message, all for the thread and the page."""

import html
import shlex
from collections.abc import Sequence

from monitor.alerts.causes import CAUSES
from monitor.rendering.events import NEXT_STEP
from monitor.rendering.fingerprints import EVENT
from monitor.rendering.mrkdwn import escape
from monitor.rendering.remedies import CHECK_TRAFFIC, remedies
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.looks import LookRow


def next_step_of(kinds: Sequence[str], assessment: Assessment | None, details: str) -> str:
    """Return the one step for the kinds of change, the one that hurts most first, as mrkdwn.

    The details are a link to them; without a kind nothing alarms any more.
    """
    kind = next(iter(kinds), "")
    if kind.startswith(EVENT):
        return f"Check the provider's status and filters, and `max_tokens` ({details})."
    if kind == "input":
        if assessment is not None and assessment.input.explanations:
            return f"Check what was released that writes the prompts ({details})."
        return f"Read the examples ({details}); their reviews decide on retraining."
    if kind == "output" and "input" in kinds:
        return f"Read the examples ({details}): new prompts may explain it; else what was released."
    if kind:
        return f"Check what was released then: model, prompt template, retrieval ({details})."
    return f"Wait for the next window ({details})."


def next_steps(assessment: Assessment) -> list[str]:
    """Return what to do after an evaluation, as mrkdwn."""
    if assessment.verdict == "not_enough_data":
        what_to_do = remedies(
            assessment.shortages, assessment.fallen_coverage, model=assessment.model
        )
        if not what_to_do and assessment.is_compared:
            what_to_do = ("See in the report what could not be compared. The rest does not alarm.",)
        return [f"• {escape(sentence)}" for sentence in what_to_do or (CHECK_TRAFFIC,)]
    steps = [NEXT_STEP] if assessment.output.event_alarms else []
    prompts, responses = assessment.input, assessment.output
    if prompts.alarm and prompts.explanations:
        steps.append(
            "• Check what writes the prompts: what was released in the window (prompt template, "
            "system message, client)."
        )
    is_new = prompts.alarm and (prompts.rest is None or prompts.rest.verdict == "drift")
    if is_new or prompts.slow_alarm:
        steps.append(
            "• The model receives prompts that it was not trained for: read the examples, in the "
            "thread or the report, and have the review queue worked; the verdicts decide on "
            "retraining."
        )
    if responses.alarm or any(explanation.alarm for explanation in responses.explanations):
        steps.append(
            "• Responses to comparable prompts changed: check first what was released in the "
            "window (model, prompt template, retrieval, a provider's version)."
        )
    if any(column.degraded for column in assessment.numeric_columns):
        steps.append(
            "• A metric is worse than its baseline: check in the report whether on the drifted "
            "topics only or everywhere."
        )
    return steps


def next_steps_of_look(look: LookRow) -> list[str]:
    """Return what to do after a look, as mrkdwn."""
    steps = []
    if "input" in look.fingerprint:
        steps.append(
            "• The model receives prompts that the baseline does not contain: read the examples on "
            "the page of the incident."
        )
    if look.fingerprint - {"input"}:
        steps.append(
            "• Check first what was released at that time: model, prompt template, retrieval, a "
            "provider's version."
        )
    return steps


def steps_of(cause: str, model: str, command: str) -> list[str]:
    """Return what to do about a condition, as mrkdwn; commands name its model.

    The command is that of the condition; empty where it depends on cause and model only.
    """
    option = f" --model {shlex.quote(model)}" if model else ""
    parts = {
        "{of_model}": option,
        "{again}": command or f"driftwarden evaluate --again{option}",
    }
    steps = list(CAUSES[cause].next_steps)
    for name, part in parts.items():
        filled = html.escape(part.replace("`", "'"), quote=False)
        steps = [step.replace(name, filled) for step in steps]
    return steps
