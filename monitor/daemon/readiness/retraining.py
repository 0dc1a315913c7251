"""Checks of what retraining needs."""

import shutil
from pathlib import Path

from monitor.daemon.readiness.finding import Finding, fail, note, ok, open_connection
from monitor.errors import DriftwardenError, InputError
from monitor.input_files import open_source
from monitor.settings import Secrets, Sections, Settings

#: Less free space is likely to be filled by checkpoints and SQLite's log.
MIN_FREE_BYTES = 2 * 1024**3
#: Less than the limit of `check --now`.
JUDGE_SECONDS = 4.0


def recipe_finding(settings: Settings) -> Finding:
    """Check the recipe and its base models."""
    from monitor.settings.model_location import locate_model
    from retrain.recipes.recipe_file import read_recipe_file, split_base

    recipe = read_recipe_file(settings.retrain.recipe)
    places = [locate_model(split_base(base)[0]) for base in recipe.bases]
    origin = settings.retrain.recipe or "the recipe's defaults"
    method = recipe.method or "qlora, then lora, then full,"
    return ok(f"{origin}: {method} on {', '.join(places)}")


def training_data_finding(settings: Settings) -> Finding:
    """Check the original training data."""
    name = settings.retrain.training_data
    if not name:
        consequence = (
            "the model's own responses to the prompts of its baseline are replayed"
            if settings.retrain.data.self_generated
            else "nothing is replayed, so that retraining forgets most"
        )
        return note(f"retrain.training_data is empty: {consequence}")
    try:
        open_source(Path(name))
    except InputError as error:
        return fail(f"retrain.training_data: {error}")
    return ok(name)


def evaluation_finding(settings: Settings, secrets: Secrets) -> Finding:
    """Check the benchmarks, and list the settings that evaluation.yaml overrides."""
    from monitor.settings.evaluation_file import read_plan
    from retrain.evaluation.benchmark import load_benchmarks
    from retrain.evaluation.judge.chat_client import judge_of
    from retrain.evaluation.judge.labels import read_labels
    from retrain.evaluation.metrics.catalogue import MetricModels

    name = settings.retrain.evaluation
    if not name:
        return note(
            "retrain.evaluation is empty: no candidate is evaluated, and none can be rolled out"
        )
    plan = read_plan(Path(name))
    labels = read_labels(settings.retrain.judge.labels)
    with judge_of(settings.retrain.judge, secrets.judge_api_key.get_secret_value()) as judge:
        models = MetricModels.from_settings(settings.retrain.scoring, judge=judge, labels=labels)
        benchmarks = load_benchmarks(plan, models)
    sizes = ", ".join(
        f"{benchmark.name} ({len(benchmark.items)} items)" for benchmark in benchmarks
    )
    remarks = [remark for benchmark in benchmarks for remark in benchmark.remarks()]
    parts = [f"{name}: {sizes}", *remarks]
    status = "note" if len(parts) > 1 else "ok"
    for key, value in plan.production_monitoring.overrides().items():
        effective = getattr(settings.monitoring, key)
        if effective == value:
            parts.append(f"overrides config.toml: monitoring.{key} = {value!r}")
        else:
            status = "note"
            parts.append(
                "overridden by the environment, as is config.toml: "
                f"monitoring.{key} = {effective!r}"
            )
    return Finding(status, "; ".join(parts))


def judge_finding(settings: Settings, secrets: Secrets) -> Finding:
    """Check that the judge's endpoint responds and takes its key; nothing is judged."""
    import httpx

    from monitor.alerts.channels.http import receive

    url = settings.retrain.judge.url
    if not url:
        return ok("none: retrain.judge.url is empty")
    key = secrets.judge_api_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        response, _ = receive("GET", f"{url.rstrip('/')}/models", JUDGE_SECONDS, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        return note(f"retrain.judge.url = {url!r} does not respond: {reason}")
    status = response.status_code
    if status in {401, 403}:
        return note(
            f"retrain.judge.url = {url!r} refuses the key: HTTP {status}; set JUDGE_API_KEY"
        )
    if response.is_redirect or status >= 500:
        return note(f"retrain.judge.url = {url!r} responds with HTTP {status}")
    return ok(url)


#: Models that the finding about the gateway shows.
MAX_MODELS = 5


def work_folder_finding(settings: Settings) -> Finding:
    """Check the free space of the work folder."""
    folder = Path(settings.retrain.work_dir)
    existing = next(
        place for place in (folder.absolute(), *folder.absolute().parents) if place.exists()
    )
    free = shutil.disk_usage(existing).free
    if free < MIN_FREE_BYTES:
        return fail(
            f"{folder}: {free / 1024**3:.1f} GiB free; free at least "
            f"{MIN_FREE_BYTES / 1024**3:.0f} GiB or move retrain.work_dir"
        )
    return ok(f"{folder}: {free / 1024**3:.0f} GiB free")


def launcher_finding(settings: Settings, secrets: Secrets) -> Finding:
    """Check the launcher."""
    from retrain.jobs.factory import create_launcher

    launcher = create_launcher(settings.retrain.launcher, settings.retrain, secrets)
    return ok(f"{launcher.check()}. {launcher.capabilities.describe()}")


def gateway_finding(settings: Sections, secrets: Secrets) -> Finding:
    """Check the gateway: it tells the weights in force of each model."""
    from retrain.rollout.apply import describe
    from retrain.rollout.gateways.factory import create_gateway

    gateway = create_gateway(settings, secrets)
    able = gateway.capabilities
    if not able.reads_weights:
        return ok('weights are only recorded: rollout.gateway = "none"')
    names = [of_model.model.name for of_model in settings.by_model]
    applied = {name: gateway.read(name) for name in names}
    odd = [name for name in names if (read := applied[name]) is None or read.unexpected]
    weights = "; ".join(
        f"{name}: {describe(applied[name])}" for name in (odd or names)[:MAX_MODELS]
    )
    left = len(odd or names) - MAX_MODELS
    sticky = "users stay with a version" if able.sticky else "each request is drawn"
    message = f"{gateway.name}: {weights}{f' and {left} more' if left > 0 else ''}; {sticky}"
    return Finding("note" if odd else "ok", message)


def live_model_finding(settings: Settings) -> Finding:
    """Check the age of the production version."""
    from datetime import UTC, datetime

    from monitor.store.training.model_age import production_age

    with open_connection(settings) as connection:
        live = production_age(connection, settings.model.name, datetime.now(UTC))
    if live is None:
        return ok("no registered version in production")
    suggestion = live.suggestion(settings.retrain.max_age)
    return Finding("note" if suggestion else "ok", suggestion or live.description)


def mlflow_finding(settings: Sections, secrets: Secrets) -> Finding:
    """Check the MLflow mirror."""
    from monitor.store.training.registry_mirrors import list_mirrors
    from retrain.registry.mlflow_mirror import MlflowMirror

    mirror = MlflowMirror.build(settings.retrain.mlflow, secrets)
    if mirror is None:
        return ok("no mirror: retrain.mlflow.tracking_url is empty")
    state = mirror.check()
    try:
        with open_connection(settings) as connection:
            failed = [row for row in list_mirrors(connection) if row.error]
    except DriftwardenError:  # told by the check of the database
        return ok(state)
    if failed:
        return note(f"{state}; {failed[0].model} is not mirrored: {failed[0].error}")
    return ok(state)
