"""`driftwarden experiment`: start, show and stop experiments."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.shared.context import (
    ConfigOption,
    ModelOption,
    model_named,
    open_database,
    read_configuration,
)
from monitor.cli.shared.output import print_json
from monitor.cli.shared.taints import AcceptTaintOption
from monitor.cli.shared.weights import WAIT_SECONDS, WaitOption
from retrain.rollout.commands.commands import (
    JsonOption,
    ReasonOption,
    UserOption,
    change,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

app = typer.Typer(no_args_is_help=True, help="Start, show and stop experiments with two versions.")


@app.command()
def start(
    version: Annotated[int, typer.Argument(help="Number of the version.", show_default=False)],
    *,
    goals: Annotated[
        list[str],
        typer.Option("--goal", help="Metric that it may improve; repeatable.", show_default=False),
    ],
    guards: Annotated[
        list[str] | None,
        typer.Option(
            "--guard",
            help="Metric that must not get worse; repeatable. Default: form, refusals, truncation, "
            "errors and latency.",
            show_default=False,
        ),
    ] = None,
    share: Annotated[
        int, typer.Option(help="Percent of the traffic that the version gets.", min=1, max=99)
    ] = 50,
    exposure: Annotated[
        int, typer.Option(help="Hours of a user that count, from the first contact on.", min=1)
    ] = 24,
    model: ModelOption = None,
    reason: ReasonOption = "",
    name: UserOption = None,
    accept_taint: AcceptTaintOption = "",
    wait: WaitOption = WAIT_SECONDS,
    config: ConfigOption = None,
) -> None:
    """Compare a candidate with the serving version, at a fixed share of the traffic.

    Exit status 75: it has started, but the gateway has not confirmed the weights yet.
    """
    from monitor.settings import load_secrets
    from monitor.store.training.registry import version_by_number
    from retrain.rollout.experiments.design import ExperimentDesign
    from retrain.rollout.experiments.life import require_sticky, start_experiment
    from retrain.rollout.gateways.factory import create_gateway

    design = ExperimentDesign(
        goals=tuple(goals), guards=tuple(guards) if guards else None, exposure_hours=exposure
    )

    def begin(connection: "Connection", of_model: str, settings: Any, **values: Any) -> Any:
        row = version_by_number(connection, of_model, version)
        return start_experiment(
            connection,
            row.id,
            settings,
            design=design,
            share=share,
            accept_taint=accept_taint,
            **values,
        )

    require_sticky(create_gateway(read_configuration(config), load_secrets()))
    change(config, model, name, begin, wait, reason=reason)


@app.command()
def status(
    model: ModelOption = None, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Show the newest experiment of a model: its verdict, and each metric with its limits."""
    from monitor.store.engine import transaction
    from retrain.rollout.commands.experiment_text import experiment_document, experiment_lines
    from retrain.rollout.rows.looks import newest_look
    from retrain.rollout.rows.rollouts import list_rollouts

    configuration = read_configuration(config)
    with transaction(open_database(configuration)) as connection:
        name = model_named(connection, configuration, model)
        rows = [row for row in list_rollouts(connection, name) if row.kind == "experiment"]
        look = newest_look(connection, rows[0].id) if rows else None
    if not rows:
        typer.echo(f"{name}: no experiment yet")
    elif as_json:
        print_json(experiment_document(rows[0], look))
    else:
        for line in experiment_lines(rows[0], look):
            typer.echo(line)


@app.command()
def stop(
    *,
    reason: ReasonOption,
    model: ModelOption = None,
    name: UserOption = None,
    wait: WaitOption = WAIT_SECONDS,
    config: ConfigOption = None,
) -> None:
    """End an experiment: all traffic goes to the serving version; the other is a candidate again.

    Exit status 75: the gateway has not confirmed it yet.
    """
    from retrain.rollout.experiments.life import stop_experiment

    def end(connection: "Connection", of_model: str, _: Any, **values: Any) -> Any:
        return stop_experiment(connection, of_model, **values)

    change(config, model, name, end, wait, reason=reason)
