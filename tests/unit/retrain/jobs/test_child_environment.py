"""The environment of a child: the secrets of its task, and no others."""

from pathlib import Path

import pytest

from monitor.settings import Secrets
from retrain.jobs.child_environment import child_environment
from retrain.run_folder import Task

NEEDED = {
    "train": {"MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"},
    "evaluate": {"JUDGE_API_KEY", "PREVIOUS_SYSTEM_API_KEY"},
}
OTHERS = (
    *("DRIFTWARDEN_DATABASE__URL", "ALERTS_ONCALL_SECRET", "PROBES_ROUTER_API_KEY"),
    *("PGPASSWORD", "PGPASSFILE"),
)


@pytest.mark.parametrize("task", NEEDED)
def test_child_gets_the_secrets_of_its_task_only(task: Task) -> None:
    secrets = {name.upper(): "never-shown" for name in Secrets.model_fields}
    secrets |= dict.fromkeys(OTHERS, "never-shown")
    inherited = {"PATH": "/bin", "HF_HOME": "/x", "AWS_PROFILE": "p", "OMP_NUM_THREADS": "1"}
    environment = child_environment(task, secrets | inherited)
    assert set(environment) == {*inherited, *NEEDED[task]}


def test_child_gets_the_value_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("value\n")
    environment = child_environment("train", {"MLFLOW_TRACKING_TOKEN_FILE": f"{tmp_path}/token"})
    assert environment == {"MLFLOW_TRACKING_TOKEN": "value"}
