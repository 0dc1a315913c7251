"""Training sets of gold examples and replay."""

import math
from collections.abc import Iterable, Iterator, Sequence

from monitor.errors import TrainingError
from retrain.data.assembly import finish
from retrain.data.balance import (
    refuse_dominance,
    refuse_left_out,
    refuse_thin_task_types,
    refuse_too_little,
)
from retrain.data.data_card import digest_of_input
from retrain.data.duplicates.exact import (
    drop_contradictions,
    drop_duplicates,
    refuse_contradictions,
)
from retrain.data.example import Example, make_examples, make_unanswered_examples
from retrain.data.pipeline import DataChecks, Pipeline
from retrain.data.rows import Row
from retrain.data.similarity import BLOCK
from retrain.data.stratified_draw import draw_evenly_by_task_type
from retrain.data.training_set import TrainingSet

#: Prompts per wanted response, because some responses are unusable.
PROMPTS_PER_RESPONSE = 1.25
#: Remark on a replay that is larger than the recipe's share.
ANEW = (
    "the run starts from a base without the training of the serving version, so all {n} original "
    "examples are replayed, regardless of replay_share = {share:g}"
)


def build_training_set(
    gold: Iterable[Row],
    original: Iterable[Row],
    *,
    replay_share: float,
    seed: int,
    checks: DataChecks | None = None,
    replay_prompts: Iterable[Row] = (),
    replay_all: bool = False,
    remarks: Sequence[str] = (),
) -> TrainingSet:
    """Join gold examples with replayed original examples.

    The original rows are drawn as evenly by task type as possible. Originals whose prompt has gold
    are excluded, because the expert's response overrules them. The same inputs give the same
    bytes, in any order.

    Gold is ``{"messages": [...], "metadata": {...}}`` from the experts; a further key
    ``group_keys``, such as ``["user=..."]``, keeps rows on one side of the split and is never
    written. ``replay_share`` of the set is replayed; with ``replay_all`` everything unless it is 0,
    because the starting base lacks the training of the serving version. Without original rows
    ``replay_prompts`` are used: their messages end with the user's turn; the child generates
    responses to some of them.

    Raises:
        TrainingError: The gold is too small, contradictory, leaked, or unbalanced, or there is
            nothing to replay.
    """
    steps = Pipeline(checks or DataChecks(), seed)
    rules = steps.checks.rules
    gold, original, prompts = list(gold), list(original), list(replay_prompts)
    experts = drop_duplicates(make_examples(gold, "gold", rules.group_by), steps.dropped)
    refuse_contradictions(experts)
    retained = steps.clean(experts)
    refuse_left_out(len(experts), steps.dropped, rules)
    refuse_too_little(retained, rules, steps.dropped)
    n_replay = round(len(retained) * replay_share / (1 - replay_share))
    pool = _pool(original, prompts, experts, steps)
    if n_replay and not pool:
        raise TrainingError(
            f"replay_share = {replay_share:g} requires {n_replay} original examples, but there are "
            "none; set retrain.training_data to the original training data, import a baseline for "
            "self-generated replay (driftwarden baseline import), or, for a model's first version, "
            "set replay_share = 0 in the recipe; a later one would forget",
            code="no_originals",
        )
    if replay_all and replay_share:
        n_replay = max(n_replay, len(pool) if original else int(len(pool) / PROMPTS_PER_RESPONSE))
        remarks = (*remarks, ANEW.format(n=n_replay, share=replay_share))
    refuse_thin_task_types(retained, pool, rules)
    n_drawn = n_replay if original else math.ceil(n_replay * PROMPTS_PER_RESPONSE)
    replayed = _replay(pool, n_drawn, steps)
    refuse_dominance([*retained, *replayed], rules)
    remarks = (*remarks, *_replay_remarks(len(replayed), n_drawn, self_generated=not original))
    inputs = {"gold": digest_of_input(gold)}
    if original:
        inputs["original"] = digest_of_input(original)
    elif replayed:
        inputs["replay prompts"] = digest_of_input(prompts)
    return finish([*retained, *replayed], steps, n_replay=n_replay, inputs=inputs, remarks=remarks)


def original_training_set(
    original: Iterable[Row], *, seed: int, checks: DataChecks | None = None
) -> TrainingSet:
    """Build a set of original examples only, for a first version.

    Raises:
        TrainingError: There are no examples, or a prompt has different responses.
    """
    steps = Pipeline(checks or DataChecks(), seed)
    original = list(original)
    examples = drop_duplicates(
        make_examples(original, "original", steps.checks.rules.group_by), steps.dropped
    )
    if not examples:
        raise TrainingError("there are no training examples", code="no_examples")
    refuse_contradictions(examples)
    retained = steps.clean(examples)
    if not retained:
        raise TrainingError("every training example is a benchmark item", code="all_leaked")
    return finish(retained, steps, n_replay=0, inputs={"original": digest_of_input(original)})


def _pool(
    original: Sequence[Row], prompts: Sequence[Row], gold: Sequence[Example], steps: Pipeline
) -> list[Example]:
    """Return the candidates for replay: originals, or prompts if there are none."""
    group_by = steps.checks.rules.group_by
    if original:
        matches = drop_duplicates(make_examples(original, "replay", group_by), steps.dropped)
        matches = drop_contradictions(matches, steps.dropped)
    elif steps.checks.rules.self_generated:
        matches = drop_duplicates(make_unanswered_examples(prompts, group_by), steps.dropped)
    else:
        matches = []
    answered = {entry.question_key for entry in gold}
    steps.dropped.add_all(
        "superseded by gold", [match for match in matches if match.question_key in answered]
    )
    return [match for match in matches if match.question_key not in answered]


def _replay(pool: Sequence[Example], n: int, steps: Pipeline) -> list[Example]:
    """Draw ``n`` examples, cleaning only as much of the pool as needed."""
    drawn = draw_evenly_by_task_type(pool, steps.rng)
    replayed: list[Example] = []
    while len(replayed) < n and (batch := _take(drawn, max(n - len(replayed), BLOCK // 4))):
        replayed += steps.clean(batch)
    return replayed[:n]


def _take(drawn: Iterator[Example], n: int) -> list[Example]:
    return [example for example, _ in zip(drawn, range(n), strict=False)]


def _replay_remarks(n_drawn: int, n_wanted: int, *, self_generated: bool) -> tuple[str, ...]:
    if n_drawn >= n_wanted:
        return ()
    kind = "prompts for self-generated replay" if self_generated else "original examples to replay"
    return (f"only {n_drawn} {kind}; {n_wanted} were requested",)
