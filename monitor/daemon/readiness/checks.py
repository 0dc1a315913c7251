"""All checks of `driftwarden check`, in the order in which the daemon needs the things."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from monitor.daemon.readiness import (
    encryption,
    end_users,
    monitoring,
    progress,
    retraining,
    slack_buttons,
)
from monitor.daemon.readiness.dead_letters import dead_letters_finding
from monitor.daemon.readiness.encoder import encoder_finding, encoder_in_use
from monitor.daemon.readiness.feedback import feedback_finding
from monitor.daemon.readiness.file_modes import file_modes_finding
from monitor.daemon.readiness.finding import Finding, fail
from monitor.daemon.readiness.incidents import incidents_finding
from monitor.daemon.readiness.metric_names import metric_names_finding
from monitor.daemon.readiness.temporary_files import temporary_files_finding
from monitor.daemon.readiness.weights import weights_findings
from monitor.errors import DriftwardenError
from monitor.settings import Secrets, Sections, Settings

Checks = list[tuple[str, Callable[[], Finding]]]

#: Models that a finding names.
MAX_NAMED = 10


def check_everything(
    settings: Sections,
    secrets: Secrets,
    *,
    send: bool = False,
    load: bool = False,
    announce: Callable[[str], None] = lambda _: None,
) -> Iterator[Finding]:
    """Yield a finding for each thing that the daemon needs; nothing is changed.

    What each model needs of its own follows what all need; models with the same finding share one.
    The encoder comes last: loading it takes longer than all others. With ``send`` each channel of
    alerts gets a test message, which is taken back; with ``load`` the encoder is loaded although
    the traffic shows that it works. ``announce`` is called with what takes long, before it begins.
    """
    yield from note_repeated(_check_everything(settings, secrets, send=send))
    in_use = None if load else encoder_in_use(settings)
    if in_use is None:
        announce("loading the encoder, which takes some seconds of CPU time ...")
    yield from _run([("encoder", lambda: encoder_finding(settings, in_use))])


def note_repeated(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings; a problem of the database fails its own check, and is noted by others."""
    problem = ""
    for finding in findings:
        if finding.status == "fail" and finding.name == "database":
            problem = finding.message
        elif finding.status == "fail" and problem and finding.message.endswith(problem):
            yield replace(finding, status="note", message="not checked: see database")
            continue
        yield finding


def _check_everything(settings: Sections, secrets: Secrets, *, send: bool) -> Iterator[Finding]:
    yield from _run(_shared_checks(settings, secrets))
    for finding in monitoring.channel_findings(settings, secrets, send=send):
        yield replace(finding, name="alerts")
    for finding in weights_findings(settings):
        yield replace(finding, name="weights")
    by_model = settings.by_model
    per_check = zip(
        *(_run(_checks_of_model(of_model, secrets)) for of_model in by_model), strict=True
    )
    for findings in per_check:
        yield from merge_findings([of_model.model.name for of_model in by_model], findings)


def merge_findings(models: Sequence[str], findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield each different finding once, with the models that have it where there are several."""
    models_of: dict[Finding, list[str]] = {}
    for model, finding in zip(models, findings, strict=True):
        models_of.setdefault(finding, []).append(model)
    for finding, named in models_of.items():
        if len(models) == 1:
            yield finding
        elif len(named) == len(models):
            yield replace(finding, message=f"all models: {finding.message}")
        else:
            left = len(named) - MAX_NAMED
            names = ", ".join(named[:MAX_NAMED]) + (f" and {left} more" if left > 0 else "")
            yield replace(finding, message=f"{names}: {finding.message}")


def _shared_checks(settings: Sections, secrets: Secrets) -> Checks:
    return [
        ("false alarms", lambda: monitoring.budget_finding(settings)),
        ("database", lambda: monitoring.database_finding(settings)),
        ("database TLS", lambda: encryption.database_encryption_finding(settings)),
        ("leader", lambda: monitoring.leader_finding(settings)),
        ("incidents", lambda: incidents_finding(settings)),
        ("broker", lambda: progress.broker_finding(settings, secrets)),
        ("broker TLS", lambda: encryption.broker_encryption_finding(settings)),
        ("dead letters", lambda: dead_letters_finding(settings)),
        ("feedback", lambda: feedback_finding(settings)),
        ("metric names", lambda: metric_names_finding(settings)),
        ("user ids", lambda: end_users.user_ids_finding(settings, secrets)),
        ("suppression", lambda: end_users.suppression_finding(settings)),
        ("unlisted", lambda: monitoring.unlisted_finding(settings)),
        ("buttons", lambda: slack_buttons.buttons_finding(settings, secrets)),
        ("reviewers", lambda: monitoring.reviewers_finding(settings)),
        ("sign-in", lambda: monitoring.sign_in_finding(settings, secrets)),
        ("gateway", lambda: retraining.gateway_finding(settings, secrets)),
        ("mlflow", lambda: retraining.mlflow_finding(settings, secrets)),
        ("web", lambda: monitoring.web_finding(settings)),
        ("visitors", lambda: encryption.visitors_finding(settings)),
        ("addresses", lambda: encryption.addresses_finding(settings)),
        ("secrets", lambda: encryption.secret_files_finding(settings)),
        ("file modes", lambda: file_modes_finding(settings)),
        ("temp files", temporary_files_finding),
    ]


def _checks_of_model(settings: Settings, secrets: Secrets) -> Checks:
    return [
        ("baseline", lambda: monitoring.baseline_finding(settings)),
        ("windows", lambda: progress.windows_finding(settings)),
        ("looks", lambda: monitoring.looks_finding(settings)),
        ("taxonomy", lambda: monitoring.taxonomy_finding(settings)),
        ("recipe", lambda: retraining.recipe_finding(settings)),
        ("training data", lambda: retraining.training_data_finding(settings)),
        ("evaluation", lambda: retraining.evaluation_finding(settings, secrets)),
        ("work folder", lambda: retraining.work_folder_finding(settings)),
        ("launcher", lambda: retraining.launcher_finding(settings, secrets)),
        ("live model", lambda: retraining.live_model_finding(settings)),
    ]


def _run(checks: Checks) -> Iterator[Finding]:
    for name, check in checks:
        try:
            yield replace(check(), name=name)
        except DriftwardenError as error:
            yield fail(str(error), name=name)
