"""Environment of a child on this machine: without the secrets that its task doesn't need."""

import os
from collections.abc import Mapping

from monitor.settings.secrets import is_secret_variable
from monitor.settings.secrets.files import read_variable
from retrain.run_folder import Task

#: Secrets that a task reads: the training child by its tracker, the evaluation child by its judge.
_NEEDED: Mapping[Task, tuple[str, ...]] = {
    "train": ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"),
    "evaluate": ("JUDGE_API_KEY", "PREVIOUS_SYSTEM_API_KEY"),
}


def child_environment(task: Task, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a child.

    A child loads models, and needs no database, channel or broker. Of a secret in a file it gets
    the value, because libraries such as MLflow read the variable.

    The variables are those of this process, but for tests.

    Raises:
        ConfigurationError: A file with a secret that the task needs can't be read.
    """
    variables = os.environ if environment is None else environment
    needed = {name: read_variable(name, variables) for name in _NEEDED[task]}
    rest = {name: value for name, value in variables.items() if not is_secret_variable(name)}
    return rest | {name: value for name, value in needed.items() if value}
