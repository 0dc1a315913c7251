"""`driftwarden retrain plan`: checks, and the plan of a training run."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from monitor.cli.shared.access import account_name
from monitor.cli.shared.context import ConfigOption, ModelOption, open_database, read_settings
from monitor.cli.shared.inputs import INPUT_FILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.daemon.training_data import TrainingDataBuilder
    from monitor.settings import Settings
    from monitor.store.training.registry import VersionRow
    from retrain.data import TrainingSet
    from retrain.planning.checks.finding import PlanFinding
    from retrain.planning.memory.device import Device
    from retrain.planning.options import Option
    from retrain.planning.order import Attempt
    from retrain.recipes.recipe import Recipe


def plan(
    gold: Annotated[
        Path | None,
        typer.Argument(
            help=f"Gold examples with `messages`: {INPUT_FILES}. Default: the gold of the reviews.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
    *,
    model: ModelOption = None,
    recipe: Annotated[
        Path | None, typer.Option(help="Recipe file. Default: retrain.recipe.", show_default=False)
    ] = None,
    method: Annotated[
        Literal["lora", "qlora", "full"] | None,
        typer.Option(help="Method, instead of the recipe's.", show_default=False),
    ] = None,
    base: Annotated[str, typer.Option(help="Base model, instead of the recipe's.")] = "",
    confirm: Annotated[
        str, typer.Option(help="Name of the model, to confirm full fine-tuning without a prompt.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what fits and the findings; plan nothing.")
    ] = False,
    left_out: Annotated[
        int,
        typer.Option(min=0, help="Leaked, and long, examples to list."),
    ] = 20,
) -> None:
    """Plan a training run on gold examples, and write its training data.

    The recipe named in [retrain] of config.toml defines the training. The command prints the
    methods and bases that fit the device, the order in which they are tried, and the findings of
    the checks; a run that a check refuses is not planned. Leaked and long examples are left out.
    The original training data named in [retrain] is replayed against forgetting.
    """
    from monitor.cli.retrain.data import summary_lines
    from monitor.daemon.run_plan import check_plan, choose_run
    from monitor.store.engine import transaction
    from retrain.planning.checks.finding import raise_refusals
    from retrain.recipes.confirmation import require_confirmation
    from retrain.recipes.recipe_file import override_recipe, read_recipe_file

    settings = read_settings(config, model)
    engine = open_database(settings)
    name = settings.model.name
    requested = read_recipe_file(str(recipe) if recipe else settings.retrain.recipe)
    requested = override_recipe(requested, method=method, base=base)
    device = _device(settings)

    def build(data: "TrainingDataBuilder") -> "TrainingSet":
        return data.from_queue() if gold is None else data.from_file(gold)

    choice = choose_run(engine, settings, requested, device, build, n_listed=left_out)
    for line in _order([candidate.option for candidate in choice.prepared]):
        typer.echo(line)
    chosen = choice.chosen
    typer.echo(_choice(chosen.option, requested.method, choice.rejected))
    typer.echo(_start(chosen.recipe, choice.serving))
    if chosen.recipe.method == "full":
        require_confirmation(name, confirm or _prompt_for_confirmation(name))
    planned = check_plan(choice, device, build)
    checks, card = planned.checks, planned.training_set.card
    _print_findings(checks.findings, [*chosen.recipe.warnings(), *card.remarks])
    for line in summary_lines(card):
        typer.echo(line)
    raise_refusals(checks.findings)
    if dry_run:
        return
    with transaction(engine) as connection:
        run_id, folder = planned.store(connection, datetime.now(UTC), by=account_name())
    typer.echo(f"run {run_id} planned in {folder.root}")
    n_trained = card.n_examples + (
        card.self_generated.wanted_training if card.self_generated else 0
    )
    typer.echo(
        f"{checks.steps(n_trained)} steps of {chosen.recipe.method} on "
        f"{chosen.recipe.base}\n"
        f"training data: driftwarden retrain data {run_id}\n"
        f"start: driftwarden retrain start {run_id}"
    )


def _device(settings: "Settings") -> "Device | None":
    """Return this machine's device, if the launcher trains on it."""
    from monitor.settings import load_secrets
    from retrain.jobs.factory import create_launcher
    from retrain.planning.memory.device import this_device

    launcher = create_launcher(settings.retrain.launcher, settings.retrain, load_secrets())
    return this_device() if launcher.capabilities.device.able else None


def _print_findings(findings: "Sequence[PlanFinding]", notes: "Sequence[str]") -> None:
    for finding in findings:
        typer.echo(f"{finding.name}: {finding.outcome}: {finding.text}")
    for note in notes:
        typer.echo(f"note: {note}", err=True)


def _order(options: "Sequence[Option]") -> "Iterator[str]":
    """Yield the options that fit the device, and the order of trials."""
    from retrain.planning.options import order_of_trials

    for option in options:
        yield f"possible: {option.describe()}" if option.possible else option.describe()
    order = ", then ".join(
        f"{option.method} on {option.base}" for option in order_of_trials(options)
    )
    yield f"order to try: {order or 'nothing fits'}"


def _choice(option: "Option", method: str | None, rejected: "Sequence[Attempt]") -> str:
    """Return the option that is planned, and why."""
    why = "the first in the order"
    if method is not None:
        why = "named by --method or the recipe"
    elif rejected:
        tried = ", ".join(f"{entry.method} on {entry.base}" for entry in rejected)
        why = f"the first in the order after {tried}, rejected since the production version"
    return f"chosen: {option.method} on {option.base}, {why}"


def _start(recipe: "Recipe", serving: "VersionRow | None") -> str:
    """Return from which weights the run starts, and why not from the version in production."""
    if serving is None:
        return "starts from: the base alone, as no version is in production"
    if recipe.start_adapter:
        return f"starts from: the adapter of version {serving.version}, in production"
    if recipe.base == serving.adapter_path:
        return f"starts from: the weights of version {serving.version}, in production"
    replay = "; all original examples are replayed" if recipe.replay_share else ""
    return (
        f"starts from: the base alone, as version {serving.version}, in production, has another "
        f"base, method, rank, alpha, targets or chat template{replay}"
    )


def _prompt_for_confirmation(name: str) -> str:
    """Prompt for the model's name."""
    typed: str = typer.prompt(
        f"Full fine-tuning changes every weight of {name} and forgets most. Type the name of the "
        "model to continue",
        default="",
        show_default=False,
    )
    return typed
