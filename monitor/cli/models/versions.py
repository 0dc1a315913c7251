"""`driftwarden models`: the version registry."""

from typing import Annotated

import typer

from monitor.cli.shared.context import (
    ConfigOption,
    ModelFilter,
    ModelOption,
    database_transaction,
    read_configuration,
    transaction_of_model,
)

app = typer.Typer(
    no_args_is_help=True,
    help="List, compare, promote and revert model versions.",
)

VersionArgument = Annotated[int, typer.Argument(help="Number of the version.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Reason, recorded in the registry.")]


@app.command("list")
def list_versions(
    model: ModelFilter = None,
    config: ConfigOption = None,
) -> None:
    """List the versions, the newest first."""
    from monitor.store.training import registry

    with database_transaction(read_configuration(config)) as connection:
        versions = registry.list_versions(connection, model)
    if not versions:
        typer.echo("no versions yet; a training run that succeeds registers one")
    for version in versions:
        run = f"run {version.training_run_id}" if version.training_run_id else "registered by hand"
        typer.echo(
            f"{version.model:20s} {version.version:4d}  {version.stage:10s} "
            f"{version.created_at:%Y-%m-%d %H:%M}  {run}"
        )


@app.command()
def show(version: VersionArgument, model: ModelOption = None, config: ConfigOption = None) -> None:
    """Show a version: its lineage, data, scores, baseline and stage changes."""
    from monitor.cli.models.version_text import version_lines
    from monitor.store.training import registry
    from retrain.registry.version_details import describe_version

    with transaction_of_model(config, model) as (connection, settings):
        name = settings.model.name
        facts = describe_version(connection, registry.version_by_number(connection, name, version))
    for line in version_lines(facts):
        typer.echo(line)


@app.command()
def diff(
    first: Annotated[int, typer.Argument(help="Number of the first version.")],
    second: Annotated[int, typer.Argument(help="Number of the second version.")],
    model: ModelOption = None,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the differences as JSON.")] = False,
) -> None:
    """Compare two versions: recipe, data, lineage and scores.

    Scores from separate evaluations are only shown side by side. `driftwarden retrain evaluate`
    tests whether a version is better: it evaluates both on the same items.
    """
    from monitor.cli.models.version_text import difference_lines
    from monitor.store.training import registry
    from retrain.registry.version_details import describe_version, differences, score_changes

    with transaction_of_model(config, model) as (connection, settings):
        name = settings.model.name
        before, after = (
            describe_version(connection, registry.version_by_number(connection, name, number))
            for number in (first, second)
        )
    changes, scores = differences(before, after), score_changes(before, after)
    if as_json:
        import msgspec

        document = {"model": name, "differences": changes, "scores": scores}
        typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
        return
    for line in difference_lines(before, after, changes, scores):
        typer.echo(line)


@app.command()
def promote(
    version: VersionArgument,
    model: ModelOption = None,
    config: ConfigOption = None,
    reason: ReasonOption = "promoted from the command line",
    without_gate: Annotated[
        bool,
        typer.Option(
            "--without-gate",
            help="Promote without a gate result that permits it; recorded with the reason.",
        ),
    ] = False,
) -> None:
    """Promote a version to all traffic, and archive the previous one.

    It needs a gate result that permits it, against the version in production. The first version of
    a model and versions that were in production before need none.
    """
    import getpass
    from datetime import UTC, datetime

    from monitor.store.training import registry
    from retrain.evaluation.gate_result import require_promotable
    from retrain.registry.stages import promote as promote_version

    with transaction_of_model(config, model) as (connection, settings):
        name = settings.model.name
        registry.lock_model(connection, name)
        candidate = registry.version_by_number(connection, name, version)
        if without_gate:
            reason = f"without a gate result: {reason}"
        else:
            require_promotable(connection, candidate)
        promote_version(
            connection,
            candidate.id,
            changed_by=getpass.getuser(),
            reason=reason,
            now=datetime.now(UTC),
        )
    typer.echo(f"{name}: version {version} is in production")


@app.command()
def rollback(
    model: ModelOption = None,
    config: ConfigOption = None,
    reason: ReasonOption = "reverted from the command line",
) -> None:
    """Revert to the previous production version; a running rollout is ended."""
    import getpass
    from datetime import UTC, datetime

    from retrain.registry.stages import roll_back

    with transaction_of_model(config, model) as (connection, settings):
        name = settings.model.name
        restored = roll_back(
            connection,
            name,
            changed_by=getpass.getuser(),
            reason=reason,
            now=datetime.now(UTC),
        )
    typer.echo(f"{name}: version {restored.version} is in production again")
