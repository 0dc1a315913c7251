"""Check of the chat template."""

from collections.abc import Sequence
from typing import Any

from monitor.errors import ModelError
from retrain.models.base_model import BaseModel, require_marked_responses
from retrain.models.chat_template import encode, has_generation_marks
from retrain.models.template_date import RECORDED, renders_date
from retrain.planning.checks.finding import PlanFinding

#: Examples whose prompts are tokenized with and without their response.
COMPARED = 20


def check_template(
    base: BaseModel, tokenizer: Any, rows: Sequence[dict[str, Any]] = ()
) -> PlanFinding:
    """Check that the chat template locates the assistant's turns.

    Where TRL doesn't know the template, some of ``rows`` are tokenized.

    Raises:
        InputError: The template refuses examples.
    """
    name = "chat template"
    try:
        require_marked_responses(base, tokenizer, base.location)
    except ModelError as error:
        return PlanFinding(name, "refused", str(error))
    own = has_generation_marks(tokenizer.chat_template)
    if own and (n := n_other_prompts(tokenizer, rows)):
        return PlanFinding(
            name,
            "refused",
            f"{base.location}: the prompts of {n} of {min(COMPARED, len(rows))} examples have "
            "other tokens in production than before their response: the chat template should end "
            "a prompt with a special token or a line break, not with a space",
        )
    facts = ["it marks the assistant's turns" if own else "it is marked by TRL"]
    if renders_date(tokenizer):
        facts.append(
            f"it renders the current date: training and evaluation have {RECORDED} instead, "
            "production has today"
        )
    if base.chat_template:
        facts.append(
            "it is the recipe's: production must render it too, as vLLM does with --chat-template "
            "and chat_template.jinja of the adapter's folder"
        )
    return PlanFinding(name, "ok" if len(facts) == 1 else "note", "; ".join(facts))


def n_other_prompts(tokenizer: Any, rows: Sequence[dict[str, Any]]) -> int:
    """Return how many of some prompts have other tokens alone than before their response.

    A space at the end of a prompt, for instance, becomes a part of the response's first token. The
    model then learns responses after other tokens than those that production sends.
    """
    sample = [row["messages"] for row in rows[:: max(1, len(rows) // COMPARED)]][:COMPARED]
    sample = [turns for turns in sample if turns and turns[-1]["role"] == "assistant"]
    if not sample:
        return 0
    whole = encode(tokenizer, sample)["input_ids"]
    alone = encode(tokenizer, [turns[:-1] for turns in sample], add_generation_prompt=True)
    return sum(
        ids[: len(prompt)] != prompt for ids, prompt in zip(whole, alone["input_ids"], strict=True)
    )
