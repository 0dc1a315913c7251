"""`driftwarden models`: the registry of versions."""

from typing import Annotated

import typer

from monitor.cli.context import ConfigOption, open_database, read_settings

app = typer.Typer(
    no_args_is_help=True, help="List a model's versions, promote one, or go back to the last."
)

ModelArgument = Annotated[str, typer.Argument(help="Name of the model, as the traffic has it.")]
VersionArgument = Annotated[int, typer.Argument(help="Number of the version.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the registry.")]


@app.command("list")
def list_versions(
    model: Annotated[str | None, typer.Argument(help="Only this model's versions.")] = None,
    config: ConfigOption = None,
) -> None:
    """List the versions, the newest first."""
    from monitor.store import registry
    from monitor.store.engine import transaction

    engine = open_database(read_settings(config))
    with transaction(engine) as connection:
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
def show(model: ModelArgument, version: VersionArgument, config: ConfigOption = None) -> None:
    """Show a version: where it comes from, its scores, and who moved it when."""
    from monitor.store import registry
    from monitor.store.engine import transaction

    engine = open_database(read_settings(config))
    with transaction(engine) as connection:
        found = registry.version_by_number(connection, model, version)
        scores = registry.scores_of(connection, found.id)
        moves = registry.stage_changes(connection, found.id)
    typer.echo(f"{model} version {version}: {found.stage}")
    typer.echo(f"adapter: {found.adapter_path}\ndigest:  {found.adapter_digest}")
    for name, value in found.lineage.items():
        typer.echo(f"  {name} = {value}")
    for score in scores:
        typer.echo(
            f"{score.benchmark}  {score.stratum or 'all':28s} {score.metric:12s} {score.value:.3f} "
            f"[{score.lower:.3f}, {score.upper:.3f}]  n = {score.n}"
        )
    for move in moves:
        typer.echo(
            f"{move.changed_at:%Y-%m-%d %H:%M}  {move.from_stage} -> {move.to_stage} by "
            f"{move.changed_by}: {move.reason}"
        )


@app.command()
def promote(
    model: ModelArgument,
    version: VersionArgument,
    config: ConfigOption = None,
    reason: ReasonOption = "promoted from the shell",
) -> None:
    """Let a version serve all traffic; the one before is archived."""
    import getpass
    from datetime import UTC, datetime

    from monitor.store import registry
    from monitor.store.engine import transaction
    from retrain.registry import promote as promote_version

    engine = open_database(read_settings(config))
    with transaction(engine) as connection:
        found = registry.version_by_number(connection, model, version)
        promote_version(
            connection,
            found.id,
            changed_by=getpass.getuser(),
            reason=reason,
            now=datetime.now(UTC),
        )
    typer.echo(f"{model}: version {version} serves")


@app.command()
def rollback(
    model: ModelArgument,
    config: ConfigOption = None,
    reason: ReasonOption = "rolled back from the shell",
) -> None:
    """Let the version that served before serve again; during a rollout, end the rollout."""
    import getpass
    from datetime import UTC, datetime

    from monitor.store.engine import transaction
    from retrain.registry import roll_back

    engine = open_database(read_settings(config))
    with transaction(engine) as connection:
        restored = roll_back(
            connection,
            model,
            changed_by=getpass.getuser(),
            reason=reason,
            now=datetime.now(UTC),
        )
    typer.echo(f"{model}: version {restored.version} serves again")
