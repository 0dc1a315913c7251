"""Plan of a training run: the same data and checks for command, page and daemon."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Engine

from monitor.daemon.training_data import TrainingDataBuilder
from monitor.errors import DriftwardenError
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.training.plan_requests import plan_draft, read_plan_request
from monitor.store.training.registry import VersionRow, production_version
from monitor.store.training.runs import RunRow
from retrain.data import TrainingSet
from retrain.data.exclusions import LISTED
from retrain.data.pipeline import LengthLimit
from retrain.data.token_counts import TokenCounter
from retrain.models.base_model import base_of, load_tokenizer
from retrain.models.chat_template import training_template
from retrain.planning.checks.finding import raise_refusals
from retrain.planning.checks.replay import check_replay
from retrain.planning.checks.run_checks import RunChecks, check_run
from retrain.planning.memory.device import Device
from retrain.planning.memory.model_shape import model_shape
from retrain.planning.options import PreparedOption, options_for, options_json
from retrain.planning.order import Attempt, choose, rejected_attempts
from retrain.planning.preview import Preview
from retrain.planning.proposal import UNTRAINABLE
from retrain.planning.starting_point import prepare_bases, serving_source, starts_from_serving
from retrain.recipes.recipe import Recipe
from retrain.recipes.recipe_file import RecipeFile
from retrain.run_folder import RunFolder
from retrain.training.runs import plan_run, prepare_run, set_folder

#: Builds the training set of a run, from the reviews or a file.
BuildsData = Callable[[TrainingDataBuilder], TrainingSet]


@dataclass(frozen=True)
class Choice:
    """The methods and bases of a recipe on a device, and the one that is trained."""

    requested: RecipeFile
    prepared: Sequence[PreparedOption]
    serving: VersionRow | None
    rejected: Sequence[Attempt]
    data: TrainingDataBuilder

    @cached_property
    def chosen(self) -> PreparedOption:
        """The option that is trained; ``TrainingError`` where none fits."""
        return choose(self.prepared, self.requested.method, self.rejected)


@dataclass(frozen=True)
class RunPlan:
    """A run with its data and the findings of the checks, before it is stored."""

    choice: Choice
    training_set: TrainingSet
    checks: RunChecks

    @property
    def recipe(self) -> Recipe:
        """The recipe of the run."""
        return self.choice.chosen.recipe

    def preview(self, now: datetime) -> Preview:
        """Return what a lead sees of the run before it starts."""
        n = self.training_set.card.n_examples
        return Preview.of(
            self.choice.chosen.option,
            self.training_set,
            self.checks.findings,
            now,
            self.checks.steps(n) if self.checks.examples.sizes else 0,
        )

    def store(
        self, connection: Connection, now: datetime, *, decision_id: int | None = None, by: str
    ) -> tuple[int, RunFolder]:
        """Insert the run, and write its data; return its id and folder.

        Raises:
            TrainingError: A check refused the run.
        """
        raise_refusals(self.checks.findings)
        retrain = self.choice.data.settings.retrain
        run_id = plan_run(
            connection,
            model=self.choice.data.model,
            recipe=self.recipe,
            work_dir=Path(retrain.work_dir),
            now=now,
            decision_id=decision_id,
            launcher=retrain.launcher,
            plan=options_json(self.choice.prepared) | self.preview(now).as_json(),
            planned_by=by,
        )
        return run_id, prepare_run(connection, run_id, self.training_set)

    def store_draft(self, connection: Connection, draft: RunRow, now: datetime) -> bool:
        """Turn a draft into a planned run, and write its data; return whether this call did it.

        Raises:
            TrainingError: The data can't be written.
        """
        request = read_plan_request(draft)
        retrain = self.choice.data.settings.retrain
        plan = options_json(self.choice.prepared) | self.preview(now).as_json()
        is_planned = request is not None and plan_draft(
            connection,
            draft.id,
            now,
            by=request.requested_by,
            recipe=msgspec.to_builtins(self.recipe),
            plan=plan | (draft.plan or {}),
            launcher=retrain.launcher,
        )
        if is_planned:
            set_folder(connection, draft.id, Path(retrain.work_dir))
            prepare_run(connection, draft.id, self.training_set)
        return is_planned


def choose_run(
    engine: Engine,
    settings: Settings,
    requested: RecipeFile,
    device: Device | None,
    build: BuildsData,
    *,
    n_listed: int = LISTED,
) -> Choice:
    """Return the options of a recipe; bad data is refused before a base is downloaded.

    Without a device, a remote one trains. ``n_listed`` examples are named per reason of exclusion.

    Raises:
        TrainingError: The data must not be trained on.
        ModelError: A base is missing, or can't be trained on.
    """
    name = settings.model.name
    data = TrainingDataBuilder(engine, settings, name, requested, n_listed=n_listed).with_cache()
    build(data)
    bases = prepare_bases(requested, Path(settings.retrain.work_dir))
    with transaction(engine) as connection:
        serving = production_version(connection, name)
        rejected = rejected_attempts(connection, name)
    prepared = options_for(requested, bases, serving, device)
    return Choice(requested, prepared, serving, rejected, data)


def check_plan(choice: Choice, device: Device | None, build: BuildsData) -> RunPlan:
    """Build the data of the chosen option, and make every check that its process will make.

    Examples that are too long are left out, so that the process finds none.

    Raises:
        TrainingError: The data must not be trained on, or no option fits.
        ModelError: The base can't be read.
    """
    recipe, serving = choice.chosen.recipe, choice.serving
    base = base_of(recipe)
    tokenizer = load_tokenizer(base)
    positions = model_shape(recipe).max_positions
    limit = LengthLimit(
        min(recipe.max_length, positions or recipe.max_length),
        TokenCounter(tokenizer, training_template(tokenizer)),
    )
    anew = not starts_from_serving(recipe, serving)
    training_set = build(replace(choice.data, replay_all=anew, limit=limit)).with_base(
        TokenCounter(tokenizer), serving_source(base, serving)
    )
    checks = check_run(recipe, training_set.rows, device, training_set.validation)
    if not anew:  # otherwise all originals are replayed
        with transaction(choice.data.engine) as connection:
            replay = check_replay(connection, choice.data.model, recipe)
        checks = replace(checks, findings=(*checks.findings, replay))
    return RunPlan(choice, training_set, checks)


def refused_preview(
    error: DriftwardenError, now: datetime, check_rest: Callable[[], RunPlan]
) -> Preview:
    """Return a preview with a refusal; where too much is left out, also what would remain."""
    refusal = Preview(checked_at=now, refusal=str(error), code=error.code)
    if error.code not in UNTRAINABLE:
        return refusal
    try:
        rest = check_rest().preview(now)
    except DriftwardenError:
        return refusal
    return msgspec.structs.replace(rest, refusal=refusal.refusal, code=refusal.code)
