"""Order of trials: QLoRA, LoRA, full fine-tuning, each until it was rejected."""

from collections.abc import Sequence
from dataclasses import dataclass
from os.path import realpath

from sqlalchemy import Connection

from monitor.errors import TrainingError
from monitor.store.training import registry as versions
from monitor.store.training.runs import list_runs
from retrain.planning.options import Option, PreparedOption, choose_option, order_of_trials
from retrain.recipes.recipe import Method, stored_recipe

#: Number of previous runs searched for attempts.
LOOKED_AT = 100


@dataclass(frozen=True)
class Attempt:
    """A rejected attempt: a method on a base."""

    method: Method
    base: str

    def is_of(self, option: Option) -> bool:
        """Return whether it tried an option, whose base may be named by another path."""
        return self.method == option.method and realpath(self.base) == realpath(option.base)


def rejected_attempts(
    connection: Connection, model: str, further_run: int | None = None
) -> list[Attempt]:
    """Return the attempts rejected since the training of the serving version.

    ``further_run`` counts as rejected, whatever its version's stage.
    """
    serving = versions.production_version(connection, model)
    since = (serving.training_run_id if serving else None) or 0
    attempts = []
    for run in list_runs(connection, model=model, limit=LOOKED_AT):
        version = versions.version_of_run(connection, run.id)
        failed = version is not None and version.stage == "rejected"
        if run.plan is not None and run.id > since and (failed or run.id == further_run):
            recipe = stored_recipe(run.recipe)
            attempts.append(Attempt(recipe.method, recipe.base))
    return attempts


def untried(options: Sequence[Option], rejected: Sequence[Attempt]) -> list[Option]:
    """Return the order of trials without what was rejected.

    QLoRA is left out where more precision on an equal or larger base was rejected.
    """
    sizes = {realpath(option.base): option.n_parameters for option in options}

    def is_ruled_out(option: Option) -> bool:
        return any(attempt.is_of(option) for attempt in rejected) or (
            option.method == "qlora"
            and any(
                attempt.method == "lora"
                and sizes.get(realpath(attempt.base), 0) >= option.n_parameters
                for attempt in rejected
            )
        )

    return [option for option in order_of_trials(options) if not is_ruled_out(option)]


def choose(
    prepared: Sequence[PreparedOption], method: Method | None, rejected: Sequence[Attempt]
) -> PreparedOption:
    """Return the option to train: the method's, or else the first in the order of trials.

    The method is that of the recipe or of the command; the order leaves out what was rejected.

    Raises:
        TrainingError: No base is possible, or every option was rejected.
    """
    options = [entry.option for entry in prepared]
    if method is None and not order_of_trials(options):
        method = "qlora"
    if method is not None:
        return choose_option(prepared, method)
    remaining = untried(options, rejected)
    if not remaining:
        attempts = ", ".join(f"{attempt.method} on {attempt.base}" for attempt in rejected)
        raise TrainingError(
            f"all options of the order were rejected since the production version: {attempts}; "
            "inspect the failed checks and the gold, or name a method with --method",
            code="all_rejected",
        )
    return next(entry for entry in prepared if entry.option is remaining[0])
