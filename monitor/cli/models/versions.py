"""`driftwarden models`: the version registry."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.shared.access import account_name
from monitor.cli.shared.context import (
    ConfigOption,
    ModelFilter,
    ModelOption,
    database_transaction,
    model_named,
    open_database,
    read_configuration,
    transaction_of_model,
)
from monitor.cli.shared.output import print_json
from monitor.cli.shared.taints import AcceptTaintOption
from monitor.cli.shared.weights import WAIT_SECONDS, WaitOption, send_weights

app = typer.Typer(
    no_args_is_help=True,
    help="List, register, compare, promote, revert and reject model versions.",
)

VersionArgument = Annotated[int, typer.Argument(help="Number of the version.")]
#: Of why a version is rejected, in the list; `models show` has all.
MAX_REASON_CHARACTERS = 60

#: Of a promotion by its gate result.
DEFAULT_REASON = "promoted from the command line"

ReasonOption = Annotated[str, typer.Option("--reason", help="Reason, recorded in the registry.")]


@app.command("list")
def list_versions(
    model: ModelFilter = None,
    config: ConfigOption = None,
) -> None:
    """List the versions, the newest first."""
    from monitor.rendering.excerpts import excerpt
    from monitor.store.training import registry

    with database_transaction(read_configuration(config)) as connection:
        versions = registry.list_versions(connection, model)
        rejections = registry.last_rejections(connection, model)
    if not versions:
        typer.echo("no versions yet; a training run that succeeds registers one")
    for version in versions:
        run = f"run {version.training_run_id}" if version.training_run_id else "registered by hand"
        change = rejections.get(version.id)
        why = ""
        if change is not None:
            why = f"  by {change.changed_by}: {excerpt(change.reason, MAX_REASON_CHARACTERS)}"
        typer.echo(
            f"{version.model:20s} {version.version:4d}  {version.stage:10s} "
            f"{version.created_at:%Y-%m-%d %H:%M}  {run}{why}"
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
def register(
    folder: Annotated[
        Path,
        typer.Argument(
            help="LoRA adapter of PEFT, or a whole model, as safetensors. It stays there."
        ),
    ],
    *,
    model: ModelOption = None,
    config: ConfigOption = None,
    base: Annotated[
        str,
        typer.Option(
            help="Base model that it was trained on: a folder, package:NAME or a hub id. Default: "
            "the base that the adapter names.",
            show_default=False,
        ),
    ] = "",
    chat_template: Annotated[
        str,
        typer.Option(
            help="File of the chat template that it was trained with, where that isn't the base's.",
            show_default=False,
        ),
    ] = "",
    training_data: Annotated[
        Path | None,
        typer.Option(
            help="Examples that it was trained on: compared with the benchmarks, and shown to the "
            "base in its prompt.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Register an adapter or a model that another program trained.

    It becomes a candidate. The first version of a model can be promoted at once: the version in
    production when driftwarden is installed. Later ones are evaluated first, by the number of the
    run that the command prints. Runs continue from it where base, rank, scale and targets are those
    of the recipe.
    """
    from monitor.daemon.training_data import TrainingDataBuilder
    from monitor.errors import InputError
    from monitor.store.engine import transaction
    from retrain.identity.record import take_identity
    from retrain.models.base_model import prepare_base
    from retrain.recipes.recipe import Training
    from retrain.recipes.recipe_file import read_template, split_base
    from retrain.registry.registration import read_weights, register_weights

    configuration = read_configuration(config)
    engine = open_database(configuration)
    with transaction(engine) as connection:
        name = model_named(connection, configuration, model)
    settings = configuration.settings_of(name)
    weights = read_weights(folder)
    if not (base or weights.base):
        raise InputError(f"{folder} names no base model: give --base", code="no_base")
    rows = (
        TrainingDataBuilder(engine, settings, name, Training()).read(training_data)
        if training_data
        else []
    )
    work_dir = Path(settings.retrain.work_dir)
    location, revision = split_base(base or weights.base)
    template = read_template(chat_template) if chat_template else ""
    trained_on = prepare_base(
        location, work_dir / "bases", revision=revision, chat_template=template
    )
    now = datetime.now(UTC)
    identity = take_identity(weights.source_on(trained_on), now)
    with transaction(engine) as connection:
        version = register_weights(
            connection,
            weights,
            trained_on,
            identity=identity,
            model=name,
            work_dir=work_dir,
            launcher=settings.retrain.launcher,
            rows=rows,
            now=now,
            by=account_name(),
        )
    run = version.training_run_id
    typer.echo(f"{name}: version {version.version}, a candidate, with the folder of run {run}")
    typer.echo(
        f"it serves: driftwarden models promote {version.version}\n"
        f"it is new: driftwarden retrain evaluate {run}"
    )


@app.command()
def diff(
    first: Annotated[int, typer.Argument(help="Number of the first version.")],
    second: Annotated[int, typer.Argument(help="Number of the second version.")],
    model: ModelOption = None,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the differences as JSON.")] = False,
) -> None:
    """Compare two versions: recipe, data, lineage and scores.

    Scores of one evaluation, which is named, are of the same items: those of a candidate and its
    incumbent. Scores from separate evaluations are only shown side by side. `driftwarden retrain
    evaluate` tests whether a version is better.
    """
    from monitor.cli.models.version_text import difference_lines
    from monitor.store.training import registry
    from retrain.registry.paired_scores import pair_scores_of
    from retrain.registry.version_details import describe_version, differences

    with transaction_of_model(config, model) as (connection, settings):
        name = settings.model.name
        before, after = (
            describe_version(connection, registry.version_by_number(connection, name, number))
            for number in (first, second)
        )
        scores = pair_scores_of(connection, before.version, after.version)
    changes = differences(before, after)
    if as_json:
        print_json({"model": name, "differences": changes, "scores": scores})
        return
    for line in difference_lines(before, after, changes, scores):
        typer.echo(line)


@app.command()
def promote(
    version: VersionArgument,
    *,
    model: ModelOption = None,
    config: ConfigOption = None,
    reason: ReasonOption = DEFAULT_REASON,
    without_gate: Annotated[
        bool,
        typer.Option(
            "--without-gate",
            help="Promote without a gate result that permits it; recorded with the "
            "reason, a sentence.",
        ),
    ] = False,
    accept_taint: AcceptTaintOption = "",
    wait: WaitOption = WAIT_SECONDS,
) -> None:
    """Promote a version to all traffic, and archive the previous one.

    It needs a gate result that permits it, against the version in production. The first version of
    a model and versions that were in production before need none. The open rollout of the version
    is completed. A version that learned from an erased end user is not promoted without a reason.

    Exit status 75: the version is promoted, but the gateway has not confirmed the weights yet.
    """
    from monitor.store.engine import transaction
    from monitor.store.training import registry
    from monitor.store.training.candidate_evaluations import weaker_rules_of
    from retrain.registry.four_eyes import describe_approval
    from retrain.rollout.emergency.changed_weights import verifying_refused
    from retrain.rollout.transitions.promotion import promote_version

    configuration = read_configuration(config)
    engine, now = open_database(configuration), datetime.now(UTC)
    with transaction(engine) as connection:
        name = model_named(connection, configuration, model)
        weaker = weaker_rules_of(
            connection, registry.version_by_number(connection, name, version).id
        )
    with verifying_refused(engine, name, now), transaction(engine) as connection:
        row = registry.version_by_number(connection, name, version)
        promote_version(
            connection,
            row,
            now,
            by=account_name(),
            reason="" if without_gate and reason == DEFAULT_REASON else reason,
            without_gate=without_gate,
            accept_taint=accept_taint,
            approval=configuration.settings_of(name).retrain.approval,
        )
        approved = describe_approval(connection, row)
    for entry in weaker:
        typer.echo(f"note: its evaluation {entry}", err=True)
    typer.echo(f"{name}: version {version} is in production")
    if approved:
        typer.echo(f"{name}: {approved}")
    typer.echo(f"{name}: {send_weights(engine, configuration, name, wait)}")


@app.command()
def rollback(
    model: ModelOption = None,
    config: ConfigOption = None,
    reason: ReasonOption = "reverted from the command line",
    wait: WaitOption = WAIT_SECONDS,
) -> None:
    """Revert the open rollout, or else return to the previous production version.

    Where a rollout was open, the version in production stays; a second rollback leaves it.

    Exit status 75: it is done by the rows, but the gateway has not confirmed the weights yet.
    """
    from monitor.store.engine import transaction
    from retrain.rollout.transitions.promotion import roll_back_version

    configuration = read_configuration(config)
    engine = open_database(configuration)
    with transaction(engine) as connection:
        name = model_named(connection, configuration, model)
        done = roll_back_version(
            connection, name, datetime.now(UTC), by=account_name(), reason=reason
        )
    if done.reverted is None:
        typer.echo(f"{name}: version {done.version.version} is in production again")
    else:
        ended = done.reverted
        typer.echo(
            f"{name}: {ended.kind} {ended.id} of version {ended.version} is reverted; version "
            f"{done.version.version} stays in production. To leave it, roll back again."
        )
    typer.echo(f"{name}: {send_weights(engine, configuration, name, wait)}")


@app.command()
def reject(
    version: VersionArgument,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, recorded in the registry.")],
    model: ModelOption = None,
    config: ConfigOption = None,
) -> None:
    """Reject a candidate, such as one whose rollout was reverted.

    It starts no rollout until it is evaluated again with a reason, and the incident of its revert
    is resolved. The next training run without a method in its recipe tries the next method.
    """
    from monitor.store.training import registry
    from retrain.registry.rejection import reject_version

    with transaction_of_model(config, model) as (connection, settings):
        name = settings.model.name
        row = registry.version_by_number(connection, name, version)
        reject_version(connection, row, datetime.now(UTC), by=account_name(), reason=reason)
    typer.echo(f"{name}: version {version} is rejected")
    if row.training_run_id is not None:
        typer.echo(f"to lift it: driftwarden retrain evaluate {row.training_run_id} --reason WHY")
