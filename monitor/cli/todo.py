"""`driftwarden todo`: what needs a lead or an adjudicator."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from monitor.cli.shared.context import (
    ConfigOption,
    ModelFilter,
    database_transaction,
    find_model,
    read_configuration,
)
from monitor.cli.shared.output import print_json


def todo(
    *,
    model: ModelFilter = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: ConfigOption = None,
) -> None:
    """List what needs a lead or an adjudicator.

    The entries of all models, the one that does most harm first, and of those alike the oldest:
    what waits, since when, what happens if it is not done, and the page on which it is done. The
    page Overview and the weekly digest have the same list. Items that wait for a reviewer are in
    the queue of each.
    """
    from monitor.rendering.excerpts import excerpt
    from monitor.rendering.numbers import format_instant
    from monitor.store.model_sets import EVERY_MODEL
    from monitor.todo.todo_list import EVERYBODY, list_todo
    from retrain.rollout.wording.summary import format_wait

    configuration = read_configuration(config)
    now = datetime.now(UTC)
    with database_transaction(configuration) as connection:
        models = EVERY_MODEL
        if model is not None:
            models = EVERY_MODEL.narrow(find_model(connection, configuration, model))
        listed = list_todo(connection, configuration, EVERYBODY, now, models)
    site = configuration.alerts.public_url.rstrip("/")
    if as_json:
        entries = [
            {
                "model": entry.model,
                "kind": entry.kind,
                "rank": entry.rank,
                "since": entry.since,
                "n": entry.n,
                "text": entry.text,
                "label": entry.label,
                "address": f"{site}{entry.address}",
                "incident": entry.incident_id,
            }
            for entry in listed.entries
        ]
        print_json({"entries": entries, "next_evaluation": listed.next_evaluation})
        return
    if not listed.entries:
        typer.echo("nothing needs a lead or an adjudicator")
        if listed.next_evaluation is not None:
            typer.echo(f"the next evaluation is due {format_instant(listed.next_evaluation)}")
    for entry in listed.entries:
        name = excerpt(entry.subject, 60)
        typer.echo(f"{name}, for {format_wait(entry.age(now))}: {entry.text}")
        typer.echo(f"  {entry.label}: {site}{entry.address}")
