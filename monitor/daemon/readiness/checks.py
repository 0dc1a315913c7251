"""All checks of `driftwarden check`, in the order in which the daemon needs the things."""

from collections.abc import Callable, Iterator

from monitor.daemon.readiness import monitoring, retraining
from monitor.daemon.readiness.finding import Finding
from monitor.errors import DriftwardenError
from monitor.settings import Secrets, Settings


def check_everything(settings: Settings, secrets: Secrets) -> Iterator[Finding]:
    """Yield a finding for each thing that the daemon needs; nothing is changed."""
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("database", lambda: monitoring.database_finding(settings)),
        ("baseline", lambda: monitoring.baseline_finding(settings)),
        ("looks", lambda: monitoring.looks_finding(settings)),
        ("broker", lambda: monitoring.broker_finding(settings, secrets)),
        ("encoder", lambda: monitoring.encoder_finding(settings)),
        ("alerts", lambda: monitoring.alerts_finding(settings, secrets)),
        ("reviewers", lambda: monitoring.reviewers_finding(settings)),
        ("taxonomy", lambda: monitoring.taxonomy_finding(settings)),
        ("sign-in", lambda: monitoring.sign_in_finding(settings, secrets)),
        ("recipe", lambda: retraining.recipe_finding(settings)),
        ("training data", lambda: retraining.training_data_finding(settings)),
        ("evaluation", lambda: retraining.evaluation_finding(settings, secrets)),
        ("work folder", lambda: retraining.work_folder_finding(settings)),
        ("launcher", lambda: retraining.launcher_finding(settings, secrets)),
        ("live model", lambda: retraining.live_model_finding(settings)),
        ("mlflow", lambda: retraining.mlflow_finding(settings, secrets)),
        ("web", lambda: monitoring.web_finding(settings)),
    ]
    for name, check in checks:
        try:
            yield check()
        except DriftwardenError as error:
            yield Finding(name, "fail", str(error))
