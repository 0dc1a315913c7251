"""Creation of the configured launcher."""

from pathlib import Path

from monitor.errors import ConfigurationError
from monitor.settings import Retrain, Secrets
from retrain.jobs.kubernetes.kubernetes_jobs import KubernetesJobs
from retrain.jobs.launcher import Launcher
from retrain.jobs.local_launcher import SubprocessLauncher
from retrain.jobs.ray_jobs import RayJobs
from retrain.jobs.remote_launcher import JobLauncher


def create_launcher(name: str, settings: Retrain, secrets: Secrets) -> Launcher:
    """Create the launcher of a run.

    Raises:
        ConfigurationError: The name is unknown, or the launcher's section is incomplete.
    """
    if name == "subprocess":
        return SubprocessLauncher()
    if name == "ray":
        return JobLauncher(RayJobs(settings.ray, secrets.ray_auth_token.get_secret_value()))
    if name == "kubernetes":
        token = secrets.kubernetes_token.get_secret_value()
        return JobLauncher(KubernetesJobs(settings.kubernetes, Path(settings.work_dir), token))
    raise ConfigurationError(
        f"unknown launcher: {name!r}; use 'subprocess', 'ray' or 'kubernetes'",
        code="unknown_launcher",
    )
