"""`driftwarden probes`: a fixed set of prompts, sent to the live endpoint."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.shared.access import account_name
from monitor.cli.shared.context import ConfigOption, ModelOption, open_database, read_settings

if TYPE_CHECKING:
    from monitor.settings import Settings
    from retrain.probes.runs import Probing

app = typer.Typer(
    no_args_is_help=True,
    help="Send probes to the live endpoint, and show their results.",
)

ReasonOption = Annotated[str, typer.Option("--reason", help="Reason, recorded in the audit log.")]
N_RUNS = 12


@app.command()
def run(model: ModelOption = None, config: ConfigOption = None) -> None:
    """Send the probes now and compare the responses with the reference.

    The exit status is 3 if the responses have changed, and 5 if the endpoint does not respond.
    """
    from monitor.cli.probe_text import run_lines
    from monitor.store.engine import transaction
    from monitor.store.probes.runs import run_by_id

    probing = _probing(read_settings(config, model))
    run_id = probing.start("stable", "manual", datetime.now(UTC), by=account_name())
    concluded = probing.continue_run(run_id)
    with transaction(probing.engine) as connection:
        result = run_by_id(connection, run_id)
    for line in run_lines(result):
        typer.echo(line)
    if not concluded or result.status == "unavailable":
        raise typer.Exit(5)
    if result.verdict in {"suspected", "changed"}:
        raise typer.Exit(3)


@app.command()
def status(model: ModelOption = None, config: ConfigOption = None) -> None:
    """Show the probe set, the reference and the newest runs."""
    from monitor.cli.probe_text import run_lines, status_lines
    from monitor.store.engine import transaction
    from monitor.store.probes.runs import recent_runs
    from retrain.probes.status import read_status

    settings = read_settings(config, model)
    engine = open_database(settings)
    with transaction(engine) as connection:
        state = read_status(connection, settings)
        runs = recent_runs(connection, settings.model.name, limit=N_RUNS)
    for line in status_lines(settings.model.name, state):
        typer.echo(line)
    for number, result in enumerate(runs):
        for line in run_lines(result, brief=number > 0):
            typer.echo(line)


@app.command()
def accept(reason: ReasonOption, model: ModelOption = None, config: ConfigOption = None) -> None:
    """Make the newest run the reference: what is served has changed on purpose."""
    accepted = _probing(read_settings(config, model)).accept(reason, by=account_name())
    typer.echo(
        f"run {accepted.id} is the reference now; the next runs complete it, and the incident "
        "resolves itself"
    )


def _probing(settings: "Settings") -> "Probing":
    from monitor.daemon.probes import process_name
    from monitor.errors import ConfigurationError
    from monitor.settings import load_secrets
    from retrain.probes.endpoint import LiveEndpoint, key_of
    from retrain.probes.runs import Probing

    if not settings.probes.url:
        raise ConfigurationError(
            f"{settings.model.name}: probes.url is not set; set it to the OpenAI-compatible "
            "endpoint of production, up to /v1"
        )
    key = key_of(load_secrets(), settings.model.name)
    endpoint = LiveEndpoint(settings.probes, key)
    return Probing(open_database(settings), settings, endpoint, process_name())
