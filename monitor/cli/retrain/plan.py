"""`driftwarden retrain plan`: what fits the device, what the checks find, and a run to start."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from monitor.cli.shared.context import ConfigOption, open_database, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from retrain.planning.options import Option


def plan(
    gold: Annotated[
        Path | None,
        typer.Argument(
            help="Gold examples, JSON lines with `messages`; without it, what the experts decided.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
    *,
    model: Annotated[str, typer.Option(help="The model; default: model.name.")] = "",
    recipe: Annotated[
        Path | None, typer.Option(help="Recipe file; default: retrain.recipe.", show_default=False)
    ] = None,
    method: Annotated[
        Literal["lora", "qlora", "full"] | None,
        typer.Option(help="Instead of the recipe's method.", show_default=False),
    ] = None,
    base: Annotated[str, typer.Option(help="Instead of the recipe's bases.")] = "",
    confirm: Annotated[
        str, typer.Option(help="The model's name, for full fine-tuning without being asked.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what fits and what is found; plan nothing.")
    ] = False,
) -> None:
    """Plan a run on gold examples and write its data; `retrain start` then starts it.

    How it is trained stands in the recipe that [retrain] in config.toml names. It is said what fits
    the device, in which order it is tried, and what the checks find; a run that a check refuses
    isn't planned. The original training data that config.toml names is replayed, so that the model
    doesn't forget what it knew. `retrain data` shows what it is trained on.
    """
    import getpass
    from datetime import UTC, datetime

    from monitor.cli.retrain.data import prepare_data, summary_lines
    from monitor.settings import load_secrets
    from monitor.store.engine import transaction
    from monitor.store.training.registry import production_version
    from retrain.data.token_counts import TokenCounter
    from retrain.jobs.launcher import create_launcher, device_of
    from retrain.models.base_model import BaseModel, load_tokenizer
    from retrain.planning.checks.finding import raise_refusals
    from retrain.planning.checks.run_checks import check_run
    from retrain.planning.options import choose_option, options_for, options_json
    from retrain.planning.starting_point import prepare_bases, serving_source, starts_from_serving
    from retrain.recipes.confirmation import require_confirmation
    from retrain.recipes.recipe_file import override_recipe, read_recipe_file
    from retrain.training.runs import plan_run, prepare_run

    settings = read_settings(config)
    engine = open_database(settings)
    name = model or settings.model.name
    asked = read_recipe_file(str(recipe) if recipe else settings.retrain.recipe)
    asked = override_recipe(asked, method=method, base=base)
    if asked.method == "full":
        require_confirmation(name, confirm or _prompt_for_confirmation(name))
    # First: what is wrong with it is told before a base is fetched.
    training_set = prepare_data(engine, settings, name, asked, gold)
    work_dir = Path(settings.retrain.work_dir)
    bases = prepare_bases(asked, work_dir)
    device = device_of(create_launcher(settings.retrain.launcher, settings.retrain, load_secrets()))
    with transaction(engine) as connection:
        serving = production_version(connection, name)
    prepared = options_for(asked, bases, serving, device)
    for line in _order([one.option for one in prepared]):
        typer.echo(line)
    chosen = choose_option(prepared, asked.method)
    if not starts_from_serving(chosen.recipe, serving):
        training_set = prepare_data(engine, settings, name, asked, gold, replay_all=True)
    trained = BaseModel(chosen.recipe.base, chosen.recipe.base_revision)
    training_set = training_set.with_base(
        TokenCounter(load_tokenizer(trained)), serving_source(trained, serving)
    )
    checked = check_run(chosen.recipe, training_set.rows, device, training_set.validation)
    for finding in checked.findings:
        typer.echo(f"{finding.name}: {finding.outcome}: {finding.text}")
    raise_refusals(checked.findings)
    card = training_set.card
    for remark in (*chosen.recipe.warnings(), *card.remarks):
        typer.echo(f"note: {remark}", err=True)
    if dry_run:
        return
    with transaction(engine) as connection:
        run_id = plan_run(
            connection,
            model=name,
            recipe=chosen.recipe,
            work_dir=work_dir,
            now=datetime.now(UTC),
            launcher=settings.retrain.launcher,
            plan=options_json(prepared),
            planned_by=getpass.getuser(),
        )
        folder = prepare_run(connection, run_id, training_set)
    typer.echo(f"run {run_id} planned in {folder.root}")
    for line in summary_lines(card):
        typer.echo(line)
    n_trained = card.n_examples + (
        card.self_generated.wanted_training if card.self_generated else 0
    )
    typer.echo(
        f"{chosen.recipe.steps(n_trained)} steps of {chosen.recipe.method} on "
        f"{chosen.recipe.base}\n"
        f"what it is trained on: driftwarden retrain data {run_id}\n"
        f"start it: driftwarden retrain start {run_id}"
    )


def _order(options: "Sequence[Option]") -> "Iterator[str]":
    """Say what fits the device, and what is tried first."""
    from retrain.planning.options import order_of_trials

    for one in options:
        yield f"possible: {one.describe()}" if one.possible else one.describe()
    order = ", then ".join(f"{one.method} on {one.base}" for one in order_of_trials(options))
    yield f"order to try: {order or 'nothing fits'}"


def _prompt_for_confirmation(name: str) -> str:
    """Ask for the model's name."""
    answer: str = typer.prompt(
        f"Full fine-tuning changes every weight of {name} and forgets the most. Type the model's "
        "name to go on",
        default="",
        show_default=False,
    )
    return answer
