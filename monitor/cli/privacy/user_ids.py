"""`driftwarden user-ids`: the stored forms of end users' ids."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.shared.access import account_name
from monitor.cli.shared.context import ConfigOption, open_database, read_configuration
from monitor.cli.shared.output import print_line

if TYPE_CHECKING:
    from monitor.privacy.end_users.rekeying import StoredIds

app = typer.Typer(no_args_is_help=True, help="Show and renew the stored forms of end users' ids.")


@app.command()
def status(config: ConfigOption = None) -> None:
    """Count the stored ids by their form: under which key, unkeyed, or in clear."""
    from monitor.privacy.end_users.erasure_request import read_user_ids
    from monitor.privacy.end_users.rekeying import stored_ids
    from monitor.settings import load_secrets
    from monitor.traffic.end_users.key_ring import configured_keys

    settings = read_configuration(config)
    engine = open_database(settings)
    ids = read_user_ids(engine, settings)
    configured = configured_keys(load_secrets())
    for number, key in enumerate(ids.ring.keys):
        place = "of the environment" if key in configured else "in the database"
        print_line(f"key {key.check_value[:8]}: {'newest' if not number else 'older'}, {place}")
    _show(stored_ids(engine, ids))


@app.command()
def rekey(
    *,
    ids: Annotated[
        Path | None,
        typer.Option(
            "--ids",
            help="File with ids as production sends them, one on each line. Pseudonyms under older "
            "keys, and unkeyed ones, can be renewed only for these.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Give stored ids the pseudonyms that the same end users get now.

    Run it after a change of [privacy], or a new key. Exchanges, baselines and observations of an
    end user are then of one id again. A daemon may run. Slow drift begins anew
    where the ids of a baseline change.
    """
    from monitor.errors import InputError
    from monitor.privacy.end_users.rekeying import rekey as renew

    settings = read_configuration(config)
    try:
        sent_ids = [] if ids is None else ids.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{ids} can't be read: {error}", code="no_file") from error
    done = renew(
        open_database(settings),
        settings,
        filter(None, sent_ids),
        by=account_name(),
        now=datetime.now(UTC),
    )
    print_line(f"{done.n_ids:,} ids renewed in {done.n_rows:,} rows")
    _show(done.left)


def _show(counts: "StoredIds") -> None:
    print_line(f"pseudonyms under the newest key  {counts.n_newest:>10,}")
    print_line(f"pseudonyms under older keys      {counts.n_older:>10,}")
    print_line(f"unkeyed pseudonyms               {counts.n_unkeyed:>10,}")
    print_line(f"ids in clear                     {counts.n_clear:>10,}")
