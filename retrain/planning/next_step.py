"""Next step after a rejected candidate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from monitor.store.training.candidate_results import GateCheck
from monitor.store.training.runs import RunRow
from retrain.planning.options import Option, order_of_trials, stored_options
from retrain.planning.order import Attempt, rejected_attempts, untried
from retrain.recipes.recipe import Method, Recipe, stored_recipe

#: Capacity of a parameter, and information of a response token, in bits: Schulman and others,
#: "LoRA Without Regret" (2025), after Allen-Zhu and Li, "Knowledge Capacity Scaling Laws" (2024).
BITS_A_PARAMETER = 2.0
BITS_A_TOKEN = 1.0
#: Checks of a limit that a candidate has to meet.
LIMITS = frozenset({"threshold", "over_refusal"})
#: Checks of what an earlier version did, in all and by stratum.
FORGOTTEN = frozenset({"retention", "strata"})
#: Checks that a candidate fails by its data and not by its method: it has learned its task.
OF_DATA = LIMITS | FORGOTTEN


@dataclass(frozen=True)
class NextStep:
    """The advice after a rejection, with method and base if another run is worthwhile."""

    text: str
    method: Method | None = None
    base: str = ""


def next_step(
    rejected: Sequence[Attempt], options: Sequence[Option], recipe: Recipe, n_response_tokens: int
) -> NextStep:
    """Return the next step.

    The order is QLoRA on the largest servable base, LoRA at full precision, and full fine-tuning
    if both have failed and the data exceeds the capacity of an adapter.

    ``rejected`` are the attempts since the training of the serving version; ``options`` are those
    at the time when the last run was planned.
    """
    remaining = untried(options, rejected)
    for rung in order_of_trials(options):
        if rung.method == "full":
            return _full(rung, options, recipe, n_response_tokens, tried=rung not in remaining)
        if rung not in remaining:
            continue
        why = {
            "qlora": "QLoRA can train the largest servable base",
            "lora": "LoRA at full precision avoids the rounding to 4 bits",
        }[rung.method]
        return NextStep(f"{_told(rung)}. {why}: {_command(rung)}", rung.method, rung.base)
    return NextStep(
        "no other method fits the device; review more items for gold, or use a larger device"
    )


def next_step_after(
    connection: Connection, run: RunRow, checks: Sequence[GateCheck] = ()
) -> NextStep | None:
    """Return the next step after a rejected run; ``None`` if the run has no plan.

    The run counts as rejected, regardless of its version's current stage.
    """
    if run.plan is None:
        return None
    recipe = stored_recipe(run.recipe)
    failed = [check for check in checks if check.outcome == "failed"]
    advice = list(advice_on(failed, recipe))
    if advice and all(check.code in OF_DATA for check in failed):
        return NextStep("; ".join(advice))
    step = next_step(
        rejected_attempts(connection, run.model, run.id),
        stored_options(run.plan),
        recipe,
        int((run.result or {}).get("n_response_tokens", 0)),
    )
    return replace(step, text="; ".join([step.text, *advice]))


def advice_on(failed: Sequence[GateCheck], recipe: Recipe) -> Iterator[str]:
    """Yield what may mend the failed checks that no other method mends."""
    codes = {check.code for check in failed}
    if codes & FORGOTTEN:
        yield (
            f"{'only ' if codes <= FORGOTTEN else ''}earlier abilities were lost: in the "
            f"recipe, raise replay_share (now {recipe.replay_share:g}), or lower learning_rate "
            f"(now {recipe.learning_rate:g}) or epochs (now {recipe.epochs:g})"
        )
    limits = [check for check in failed if check.code in LIMITS]
    before = [check for check in limits if check.reference_fails]
    if before:
        yield (
            f"{_names(before)}: the {before[0].reference} fails it too, so that no replay brings "
            "it back: add gold of such prompts"
        )
    new = [check for check in limits if not check.reference_fails]
    if new:
        met = f"the {new[0].reference} meets it: " if new[0].reference else ""
        yield f"{_names(new)}: {met}add gold or original data of such prompts"


def _names(checks: Sequence[GateCheck]) -> str:
    return ", ".join(check.name for check in checks)


def _full(
    rung: Option,
    options: Sequence[Option],
    recipe: Recipe,
    n_response_tokens: int,
    *,
    tried: bool,
) -> NextStep:
    if tried:
        return NextStep(
            "QLoRA, LoRA and full fine-tuning were all rejected; inspect the failed checks "
            "and the gold"
        )
    adapters = [
        option.n_trained
        for option in options
        if option.method != "full" and option.base == rung.base
    ]
    holds = max(adapters, default=0) * BITS_A_PARAMETER / BITS_A_TOKEN
    counted = (
        f"the training set has {n_response_tokens:,} response tokens, and an adapter of "
        f"rank {recipe.rank} can hold about {holds:,.0f}"
    )
    if n_response_tokens <= holds:
        return NextStep(
            f"adapters were rejected, but full fine-tuning isn't justified: {counted}, so its "
            "capacity suffices. Inspect the failed checks, or review more items of that kind"
        )
    if recipe.rank < recipe.serving.max_lora_rank:
        return NextStep(
            f"raise the rank, up to serving.max_lora_rank = {recipe.serving.max_lora_rank}: "
            f"{counted}",
            "lora",
            rung.base,
        )
    return NextStep(
        f"{_told(rung)}. Both kinds of adapter were rejected; {counted}: {_command(rung)}",
        "full",
        rung.base,
    )


def _told(rung: Option) -> str:
    return f"{rung.method} on {rung.base} (about {rung.needed_gib:.1f} GiB)"


def _command(rung: Option) -> str:
    return f"`driftwarden retrain plan GOLD --method {rung.method} --base {rung.base}`"
