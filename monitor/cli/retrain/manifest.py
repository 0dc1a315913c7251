"""`driftwarden retrain manifest`: the Kubernetes Job of a training run."""

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.shared.context import ConfigOption, database_transaction, read_configuration


def manifest(
    run: Annotated[int, typer.Argument(help="Number of the run (`retrain list`).")],
    config: ConfigOption = None,
) -> None:
    """Print the Kubernetes Job of a run as YAML, without submitting it.

    It is the Job that `retrain.launcher = "kubernetes"` submits next, by [retrain.kubernetes].
    """
    import yaml

    from monitor.store.training.runs import run_by_id
    from retrain.jobs.kubernetes.kubernetes_jobs import manifest_of
    from retrain.run_folder import RunFolder

    settings = read_configuration(config)
    with database_transaction(settings) as connection:
        stored = run_by_id(connection, run)
    job = manifest_of(
        settings.retrain.kubernetes,
        RunFolder(Path(stored.work_dir)),
        work_dir=Path(settings.settings_of(stored.model).retrain.work_dir),
    )
    typer.echo(yaml.safe_dump(job, sort_keys=False, allow_unicode=True), nl=False)
