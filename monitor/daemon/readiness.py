"""`driftwarden check`: each thing the daemon needs, and what to do where it isn't ready."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import DriftwardenError
from monitor.settings import Secrets, Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Below this, checkpoints and SQLite's log are likely to fill the disk.
MIN_FREE_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Finding:
    """The state of one thing.

    Attributes:
        name: What was looked at.
        status: ``ok``, ``note`` (works, but worth knowing) or ``fail``.
        message: What is there, or what to do.
    """

    name: str
    status: str
    message: str


def check_everything(settings: Settings, secrets: Secrets) -> Iterator[Finding]:
    """Look at everything in the order in which the daemon needs it; nothing is changed."""
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("database", lambda: _database(settings)),
        ("baseline", lambda: _baseline(settings)),
        ("broker", lambda: _broker(settings, secrets)),
        ("encoder", lambda: _encoder(settings)),
        ("slack", lambda: _slack(settings, secrets)),
        ("reviewers", lambda: _reviewers(settings)),
        ("taxonomy", lambda: _taxonomy(settings)),
        ("sign-in", lambda: _sign_in(settings, secrets)),
        ("recipe", lambda: _recipe(settings)),
        ("training data", lambda: _training_data(settings)),
        ("evaluation", lambda: evaluation_finding(settings, secrets)),
        ("work folder", lambda: _work_folder(settings)),
        ("launcher", lambda: _launcher(settings, secrets)),
        ("live model", lambda: live_model_finding(settings)),
        ("mlflow", lambda: _mlflow(settings, secrets)),
        ("web", lambda: _web(settings)),
    ]
    for name, check in checks:
        try:
            yield check()
        except DriftwardenError as error:
            yield Finding(name, "fail", str(error))


@contextmanager
def _connection(settings: Settings) -> "Iterator[Connection]":
    from monitor.store.engine import make_engine, transaction
    from monitor.store.migrations import require_current

    engine = make_engine(settings.database.url)
    try:
        require_current(engine)
        with transaction(engine) as connection:
            yield connection
    finally:
        engine.dispose()


def _database(settings: Settings) -> Finding:
    from monitor.store.migrations import head_revision

    with _connection(settings) as connection:
        kind = connection.dialect.name
    return Finding("database", "ok", f"{kind}, revision {head_revision()}")


def _baseline(settings: Settings) -> Finding:
    from monitor.store.traffic.baselines import latest_baseline

    with _connection(settings) as connection:
        baseline = latest_baseline(connection, settings.model.name)
    if baseline is None:
        return Finding(
            "baseline",
            "fail",
            f"model {settings.model.name!r} has none: `driftwarden baseline import FILE` with "
            "exchanges of the time after its launch",
        )
    return Finding("baseline", "ok", f"{baseline.n_exchanges} exchanges, {baseline.digest[:12]}")


def _broker(settings: Settings, secrets: Secrets) -> Finding:
    from monitor.traffic.kafka.consumer import probe_topic

    partitions = probe_topic(settings.kafka, secrets)
    return Finding(
        "broker",
        "ok",
        f"{settings.kafka.bootstrap_servers}, topic {settings.kafka.topic} "
        f"with {partitions} partitions",
    )


def _encoder(settings: Settings) -> Finding:
    from monitor.embedding.encoder import load_encoder

    encoder = load_encoder(settings.embedding)
    vectors = encoder.encode(["ready"])
    return Finding("encoder", "ok", f"{encoder.identity}, {vectors.shape[1]} dimensions")


def _slack(settings: Settings, secrets: Secrets) -> Finding:
    from monitor.alerts.channels.slack import make_sender

    sender = make_sender(secrets, settings.alerts)
    if sender is None:
        return Finding(
            "slack",
            "note",
            "alerts are stored, not posted: set alerts.channel and the variable SLACK_BOT_TOKEN",
        )
    return Finding("slack", "ok", sender.check())


def _reviewers(settings: Settings) -> Finding:
    from monitor.store.accounts.users import list_users

    with _connection(settings) as connection:
        active = [person for person in list_users(connection) if person.active]
    if len(active) < 2:
        return Finding(
            "reviewers",
            "note",
            f"{len(active)} of the two that each item needs: `driftwarden accounts invite NAME`",
        )
    return Finding("reviewers", "ok", f"{len(active)} people")


def _taxonomy(settings: Settings) -> Finding:
    from monitor.review.guidelines import load_taxonomy, missing_task_types
    from monitor.store.review.taxonomies import task_types_seen

    path = settings.review.taxonomy
    if not path:
        return Finding(
            "taxonomy",
            "note",
            "review.taxonomy is empty: reviewers have no common guide; `driftwarden taxonomy init` "
            "writes one to begin with",
        )
    taxonomy = load_taxonomy(Path(path))
    with _connection(settings) as connection:
        missing = missing_task_types(taxonomy, task_types_seen(connection, settings.model.name))
    notes = [missing] if missing else []
    if settings.model.system_prompt:
        notes.append("model.system_prompt is only for items queued without a taxonomy")
    if notes:
        return Finding("taxonomy", "note", "; ".join(notes))
    n = len(taxonomy.task_types)
    return Finding("taxonomy", "ok", f"{path}: {n} task types, version {taxonomy.version[:12]}")


def _sign_in(settings: Settings, secrets: Secrets) -> Finding:
    from monitor.web.sign_in.single_sign_on_page import connect

    provider = connect(settings, secrets)
    if provider is None:
        return Finding("sign-in", "ok", "by password")
    provider.metadata()
    keys = len(provider.signing_keys().keys)
    how = f"by {provider.issuer}, {keys} signing keys"
    return Finding("sign-in", "ok", f"{how}, or by password" if settings.web.passwords else how)


def _recipe(settings: Settings) -> Finding:
    from monitor.settings.model_location import locate_model
    from retrain.recipes.recipe_file import read_recipe_file, split_base

    recipe = read_recipe_file(settings.retrain.recipe)
    places = [locate_model(split_base(base)[0]) for base in recipe.bases]
    origin = settings.retrain.recipe or "the recipe's defaults"
    return Finding("recipe", "ok", f"{origin}: {recipe.method} on {', '.join(places)}")


def _training_data(settings: Settings) -> Finding:
    name = settings.retrain.training_data
    if not name:
        replayed = (
            "replay is the model's own answers to the prompts of its baseline"
            if settings.retrain.data.self_generated
            else "retraining would replay nothing, and forget the most"
        )
        return Finding("training data", "note", f"retrain.training_data is empty: {replayed}")
    if not Path(name).is_file():
        return Finding("training data", "fail", f"retrain.training_data = {name!r}: no such file")
    return Finding("training data", "ok", name)


def evaluation_finding(settings: Settings, secrets: Secrets) -> Finding:
    """Say what candidates are evaluated on, and which settings evaluation.yaml overrides."""
    from monitor.settings.evaluation_file import read_plan
    from retrain.evaluation.benchmark import load_benchmarks
    from retrain.evaluation.judge.chat_client import judge_of
    from retrain.evaluation.metrics.catalogue import MetricModels

    name = settings.retrain.evaluation
    if not name:
        return Finding(
            "evaluation",
            "note",
            "retrain.evaluation is empty: no candidate is evaluated, and none can be rolled out",
        )
    plan = read_plan(Path(name))
    with judge_of(settings.retrain.judge, secrets.judge_api_key.get_secret_value()) as judge:
        models = MetricModels.from_settings(settings.retrain.scoring, judge=judge)
        benchmarks = load_benchmarks(plan, models)
    said = [f"{one.name} ({len(one.items)} items)" for one in benchmarks]
    parts = [f"{name}: {', '.join(said)}", *(note for one in benchmarks for note in one.remarks())]
    status = "note" if len(parts) > 1 else "ok"
    for key, value in plan.production_monitoring.overrides().items():
        effective = getattr(settings.monitoring, key)
        if effective == value:
            parts.append(f"it overrides config.toml: monitoring.{key} = {value!r}")
        else:
            status = "note"
            parts.append(
                f"the environment overrides both it and config.toml: monitoring.{key} = "
                f"{effective!r}"
            )
    return Finding("evaluation", status, "; ".join(parts))


def _work_folder(settings: Settings) -> Finding:
    folder = Path(settings.retrain.work_dir)
    existing = next(
        place for place in (folder.absolute(), *folder.absolute().parents) if place.exists()
    )
    free = shutil.disk_usage(existing).free
    if free < MIN_FREE_BYTES:
        return Finding(
            "work folder",
            "fail",
            f"{folder}: {free / 1024**3:.1f} GiB free; make room for at least "
            f"{MIN_FREE_BYTES / 1024**3:.0f} GiB or move retrain.work_dir",
        )
    return Finding("work folder", "ok", f"{folder}: {free / 1024**3:.0f} GiB free")


def _launcher(settings: Settings, secrets: Secrets) -> Finding:
    from retrain.jobs.factory import create_launcher

    launcher = create_launcher(settings.retrain.launcher, settings.retrain, secrets)
    return Finding("launcher", "ok", f"{launcher.check()}. {launcher.capabilities.describe()}")


def live_model_finding(settings: Settings) -> Finding:
    """Say how old the version is that serves."""
    from datetime import UTC, datetime

    from monitor.store.training.model_age import production_age

    with _connection(settings) as connection:
        live = production_age(connection, settings.model.name, datetime.now(UTC))
    if live is None:
        return Finding("live model", "ok", "no version is registered, so its age isn't watched")
    suggestion = live.suggestion(settings.retrain.max_age)
    return Finding("live model", "note" if suggestion else "ok", suggestion or live.description)


def _mlflow(settings: Settings, secrets: Secrets) -> Finding:
    from monitor.store.training.registry_mirrors import list_mirrors
    from retrain.registry.mlflow_mirror import MlflowMirror

    mirror = MlflowMirror.build(settings.retrain.mlflow, secrets)
    if mirror is None:
        return Finding("mlflow", "ok", "no mirror: retrain.mlflow.tracking_url is empty")
    said = mirror.check()
    with _connection(settings) as connection:
        behind = [row for row in list_mirrors(connection) if row.error]
    if behind:
        return Finding(
            "mlflow", "note", f"{said}; {behind[0].model} isn't there: {behind[0].error}"
        )
    return Finding("mlflow", "ok", said)


def _web(settings: Settings) -> Finding:
    local = settings.web.host in {"127.0.0.1", "::1", "localhost"}
    if not local and not settings.web.secure_cookies:
        return Finding(
            "web",
            "fail",
            f"web.host = {settings.web.host!r} is reachable from outside: put it behind HTTPS and "
            "set web.secure_cookies = true",
        )
    return Finding("web", "ok", f"http://{settings.web.host}:{settings.web.port}")
