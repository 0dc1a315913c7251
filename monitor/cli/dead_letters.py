"""`driftwarden` command that lists the dead letters."""

import typer

from monitor.cli.shared.access import record_read
from monitor.cli.shared.context import ConfigOption, database_transaction, read_configuration


def dead_letters(config: ConfigOption = None) -> None:
    """List the dead letters.

    Shows, by reason, how many there are, since when, and position and error of the newest. They are
    records that could not be processed, stored unchanged; docs/reference/formats.md
    explains the reasons. `driftwarden replay --dead-letters` processes them again.
    """
    from monitor.store.traffic.dead_letters import summarize_dead_letters

    with database_transaction(read_configuration(config)) as connection:
        kinds = summarize_dead_letters(connection)
        record_read(connection, "dead-letters", "dead_letter")
    if not kinds:
        typer.echo("no dead letters")
        return
    for kind in kinds:
        newest = kind.newest
        place = f"{newest.position.source}/{newest.position.partition}@{newest.position.offset}"
        typer.echo(
            f"{kind.count:>9,}  {kind.reason}  since {kind.oldest_at:%Y-%m-%d %H:%M} UTC\n"
            f"{'':11}{place}: {newest.detail}"
        )
