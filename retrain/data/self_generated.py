"""Self-generated replay: the model's own responses replace missing training data.

Runs in the training child, never in the daemon: the serving version responds to prompts of its
baseline before it is trained further, and the usable responses join the training set.

Reference: Huang et al. 2024, Mitigating Catastrophic Forgetting in Large Language Models with
Self-Synthesized Rehearsal (arXiv 2403.01244). Their prompts are made by the model too; ours are
what production was really asked.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from monitor.descriptors import loop, refusal
from monitor.errors import TrainingError
from retrain.data.data_card import (
    Card,
    CountsTokens,
    SelfGenerated,
    Tokens,
    counts_of,
    digest_of_rows,
    task_types_of,
    tokens_of,
)
from retrain.data.rows import Row
from retrain.data.training_set import read_card, write_card
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder, canonical, read_lines, write_lines

#: A run with a smaller share of the wanted responses is refused, as the model would forget.
MIN_SHARE = 0.5

#: Reasons for which a response isn't used; the data card counts by them.
EMPTY = "empty"
CUT_OFF = "cut off at the longest response"
REFUSED = "refused"
LOOP = "caught in a loop"
TOO_LONG = "too long for the recipe's max_length, with its prompt"


class ReplayModel(Protocol):
    """A model that says of each response whether it ended it itself."""

    def generate(
        self,
        conversations: Sequence[Sequence[dict[str, str]]],
        progress: Callable[[int], None] | None = None,
    ) -> list[tuple[str, bool]]:
        """Return each response, and whether it is complete."""
        ...


def needs_generation(folder: RunFolder) -> bool:
    """Return whether responses must be generated before this run can train.

    False too in a resumed child whose rows hold the responses already.
    """
    card = read_card(folder)
    return card is not None and card.self_generated is not None and not _is_done(card)


def add_self_generated(
    folder: RunFolder,
    recipe: Recipe,
    load: Callable[[Recipe, SelfGenerated], ReplayModel],
    count_tokens: CountsTokens,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Generate responses to the run's prompts and add the usable ones to its rows.

    Every step can be repeated after a crash: responses that were written are used again, and rows
    that were added are replaced. The card is written last, and says that all is done.

    Args:
        folder: The run's folder, as :meth:`TrainingSet.write` left it.
        recipe: The run's recipe.
        load: Loads the model that responds; given the recipe and what the card says of it.
        count_tokens: Counts as the base does that is trained: a conversation that is longer than
            the recipe's ``max_length`` can't be used.
        progress: Called after each batch with the number of responses it added.

    Raises:
        TrainingError: Too few of the responses are usable.
    """
    card = read_card(folder)
    if card is None or card.self_generated is None:
        raise TrainingError(f"{folder.card}: doesn't say what to generate", code="not_planned")
    wanted = card.self_generated
    if not folder.replay_responses.is_file():
        prompts = list(read_lines(folder.replay_prompts))
        model = load(recipe, wanted)
        responses = model.generate([prompt["messages"] for prompt in prompts], progress)
        judgements = [
            {**prompt, "response": text, "unusable": why_unusable(text, complete=complete)}
            for prompt, (text, complete) in zip(prompts, responses, strict=True)
        ]
        lengths = count_tokens([_row(entry)["messages"] for entry in judgements])
        for first, length in zip(judgements, lengths, strict=True):
            if not first["unusable"] and length > recipe.max_length:
                first["unusable"] = TOO_LONG
        write_lines(folder.replay_responses, judgements)
    judgements = list(read_lines(folder.replay_responses))
    training, validation = (
        [_row(entry) for entry in judgements if not entry["unusable"] and entry["split"] == side][
            :n
        ]
        for side, n in (
            ("training", wanted.wanted_training),
            ("validation", wanted.wanted_validation),
        )
    )
    unusable = Counter(entry["unusable"] for entry in judgements if entry["unusable"])
    if len(training) < MIN_SHARE * wanted.wanted_training:
        raise TrainingError(_too_few(len(training), wanted, unusable), code="few_responses")
    rng = random.Random(recipe.seed)  # noqa: S311 - no secret
    rows = _joined(folder.training_data, training, rng)
    held = _joined(folder.validation_data, validation, rng)
    write_lines(folder.training_data, rows)
    if held:
        write_lines(folder.validation_data, held)
    outcome = msgspec.structs.replace(
        wanted,
        n_usable=len(training) + len(validation),
        unusable=dict(sorted(unusable.items())),
    )
    tokens = tokens_of(rows, held, count_tokens)
    write_card(folder, _with_responses(card, rows, held, outcome, tokens))


def why_unusable(response: str, *, complete: bool) -> str:
    """Return why a response can't be trained on; empty where it can.

    A refusal may be right, but nobody has looked; what must be refused is held by the safety suite,
    not by replay.
    """
    if not response.strip():
        return EMPTY
    if not complete:
        return CUT_OFF
    if refusal(response):
        return REFUSED
    if loop(response):
        return LOOP
    return ""


def _is_done(card: Card) -> bool:
    return card.self_generated is None or card.self_generated.n_usable is not None


def _row(assessed: Row) -> Row:
    response = {"role": "assistant", "content": assessed["response"]}
    return {"messages": [*assessed["messages"], response], "metadata": assessed["metadata"]}


def _joined(path: Path, generated: Sequence[Row], rng: random.Random) -> list[Row]:
    """Return a file's rows with generated ones among them, whether or not some were before."""
    remaining = [row for row in read_lines(path) if row["metadata"]["source"] != "self-generated"]
    rows = sorted([*remaining, *generated], key=canonical)
    rng.shuffle(rows)
    return rows


def _with_responses(
    card: Card, rows: Sequence[Row], held: Sequence[Row], outcome: SelfGenerated, tokens: Tokens
) -> Card:
    remarks = list(card.remarks)
    wanted = outcome.wanted_training + outcome.wanted_validation
    if outcome.n_usable is not None and outcome.n_usable < wanted:
        remarks.append(f"only {outcome.n_usable} of {wanted} self-generated responses are usable")
    return msgspec.structs.replace(
        card,
        **counts_of(rows),
        validation_digest=digest_of_rows(held) if held else "",
        n_validation=len(held),
        validation_by_task_type=task_types_of(held),
        self_generated=outcome,
        tokens=tokens,
        remarks=tuple(remarks),
    )


def _too_few(n_usable: int, wanted: SelfGenerated, unusable: Counter[str]) -> str:
    reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(unusable.items()))
    return (
        f"self-generated replay: {n_usable} of {wanted.wanted_training} responses are usable "
        f"({reasons}); name the original training data in retrain.training_data, raise "
        f"retrain.scoring.max_new_tokens (now {wanted.max_new_tokens}), or set "
        "replay_share = 0 in the recipe and accept that the model forgets"
    )
