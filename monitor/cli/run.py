"""`driftwarden run`: the daemon."""

from typing import Annotated

import typer

from monitor.cli.shared.context import ConfigOption, read_configuration
from monitor.errors import DriftwardenError


def run(
    only: Annotated[
        str,
        typer.Option(
            help="Parts to run, comma-separated: ingest (reads Kafka), schedule (evaluates, "
            "alerts, decides, retrains), web (page, API, health and metrics), health (health and "
            "metrics only). Default: ingest, schedule, web.",
            show_default=False,
        ),
    ] = "",
    config: ConfigOption = None,
) -> None:
    """Run the daemon until SIGTERM or Ctrl+C.

    Samples the Kafka topic, embeds and stores the exchanges; evaluates each window when it has
    ended, sends alerts, fills the review queue and serves the web page. Replicas share one
    PostgreSQL database and one consumer group. Run `driftwarden db upgrade` and `driftwarden check`
    first.
    """
    from monitor.settings import load_secrets
    from monitor.settings.secrets import secret_variables
    from monitor.settings.secrets.files import secret_files
    from monitor.telemetry import configure_logging, get_logger, log_thread_failures

    settings = read_configuration(config)
    configure_logging()
    log_thread_failures()
    # The imports below take most of a minute on a busy machine.
    get_logger(__name__).info("daemon_starting", models=len(settings.names.listed))
    from monitor.daemon.app import parse_parts, run_daemon, stop_on_signals

    parts = parse_parts(only)
    for file in secret_files(secret_variables(settings)):
        if file.is_readable_by_all:
            get_logger(__name__).warning(
                "secret_readable_by_all", variable=file.variable, path=file.path,
                action="set the mode of the file to 0400 or 0440",
            )  # fmt: skip
    with stop_on_signals() as stop:
        try:
            run_daemon(settings, load_secrets(), parts, stop)
        except DriftwardenError:
            raise
        except Exception as error:  # its message may quote the traffic: not for stderr
            get_logger(__name__).exception("daemon_failed")
            raise typer.Exit(1) from error
