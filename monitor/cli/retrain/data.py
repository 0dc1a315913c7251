"""`driftwarden retrain data`: the training data of a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.shared.access import record_read
from monitor.cli.shared.context import ConfigOption, database_transaction, read_configuration

if TYPE_CHECKING:
    from retrain.data.data_card import Card


def data(
    run: Annotated[int, typer.Argument(help="Number of the run (`retrain list`).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the data card as JSON.")] = False,
    examples: Annotated[
        int, typer.Option(min=0, help="Number of examples to print as the model sees them.")
    ] = 5,
    config: ConfigOption = None,
) -> None:
    """Print the data card of a run, and some of its examples as the model sees them.

    The card counts the examples, and what was left out and why. The examples are rendered by the
    base's chat template, one of each task type and source before a second.
    """
    from monitor.errors import ModelError, NotFoundError
    from monitor.store.training.runs import run_by_id
    from retrain.planning.rendered_examples import render_examples
    from retrain.recipes.recipe import stored_recipe
    from retrain.run_folder import RunFolder

    with database_transaction(read_configuration(config)) as connection:
        row = run_by_id(connection, run)
        record_read(connection, "retrain data", "run", run, model=row.model)
    folder = RunFolder(Path(row.work_dir))
    place = folder.card if as_json else folder.data_card
    try:
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(
            f"run {run} has no data card: no file {place}", code="no_data_card"
        ) from None
    typer.echo(text.rstrip())
    if as_json or not examples:
        return
    try:
        for line in render_examples(folder, stored_recipe(row.recipe), examples):
            typer.echo(line)
    except ModelError as error:
        typer.echo(f"note: the examples can't be rendered here: {error}", err=True)


def summary_lines(card: "Card") -> list[str]:
    """Return the summary of a training set in a few lines."""
    from retrain.data.data_card_page import left_out_lines

    of_which = f"{card.n_gold} gold, {card.n_replay} replayed"
    lines = [f"{card.n_examples} examples ({of_which}); {card.n_validation} more for validation"]
    if card.self_generated is not None:
        replay = card.self_generated
        wanted = replay.wanted_training + replay.wanted_validation
        lines.append(
            f"self-generated replay: {wanted} responses to {replay.n_prompts} prompts of the "
            "baseline, generated before training"
        )
    if card.tokens is not None:
        tokens = card.tokens
        lines.append(f"{tokens.training} tokens per epoch, {tokens.longest} in the longest example")
    return [*lines, *(f"left out: {text}" for text in left_out_lines(card))]
