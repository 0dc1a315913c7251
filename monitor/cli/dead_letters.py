"""`driftwarden dead-letters`: what could not be read, and why."""

import typer

from monitor.cli.shared.context import ConfigOption, open_database, read_settings


def dead_letters(config: ConfigOption = None) -> None:
    """List the dead letters by reason: how many, since when, and where the newest one stands.

    A dead letter is a record that couldn't be read, kept as it came. What its reason means is in
    docs/reference/formats.md; `driftwarden replay --dead-letters` tries them again.
    """
    from monitor.store.engine import transaction
    from monitor.store.traffic.dead_letters import summarize_dead_letters

    with transaction(open_database(read_settings(config))) as connection:
        kinds = summarize_dead_letters(connection)
    if not kinds:
        typer.echo("there are no dead letters")
        return
    for kind in kinds:
        newest = kind.newest
        place = f"{newest.position.source}/{newest.position.partition}@{newest.position.offset}"
        typer.echo(
            f"{kind.count:>9,}  {kind.reason}  since {kind.oldest_at:%Y-%m-%d %H:%M} UTC\n"
            f"{'':11}{place}: {newest.detail}"
        )
