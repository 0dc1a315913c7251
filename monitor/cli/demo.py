"""`driftwarden demo`: the whole loop on embedded defaults."""

from pathlib import Path
from typing import Annotated

import typer

from monitor.errors import InputError


def demo(
    fast: Annotated[
        bool,
        typer.Option(
            "--fast", help="Use a tiny language model that is made on the spot: a minute."
        ),
    ] = False,
    traffic: Annotated[
        Path | None,
        typer.Option(
            help="Your own exchanges, one JSON object a line with at least a `prompt`: detection, "
            "report and queue, week by week. Needs --baseline.",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(help="Your reference exchanges, in the same form.", show_default=False),
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="Where the database, the models and the reports go.")
    ] = Path("build/demo"),
    seed: Annotated[int, typer.Option(help="Seed of the demo's world.")] = 7,
) -> None:
    """Tell the whole story once: launch, quiet weeks, drift, review, retraining, rollout.

    A bank's support desk runs a small language model. It is trained here, answers for real, drifts
    when its customers ask new things, is reviewed by two simulated experts over the page's own API,
    and is retrained. SQLite and models from packages: no service and no network is needed.
    Exit status 0 only if every stage did what it should.
    """
    from monitor.demo.console import Narrator
    from monitor.telemetry import configure_logging

    if (traffic is None) != (baseline is None):
        raise InputError("demo: give both --traffic and --baseline, or neither")
    configure_logging(level=30)
    narrator = Narrator()
    if traffic is not None and baseline is not None:
        from monitor.demo.own_traffic import run_own_traffic

        succeeded = run_own_traffic(traffic, baseline, folder, narrator)
    else:
        from monitor.demo.end_to_end import run_end_to_end

        succeeded = run_end_to_end(fast=fast, folder=folder, seed=seed, narrator=narrator)
    raise typer.Exit(0 if succeeded else 1)
