"""All checks of `driftwarden check`, in the order in which the daemon needs the things."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from monitor.daemon.readiness import (
    encryption,
    end_users,
    monitoring,
    progress,
    retraining,
    slack_buttons,
)
from monitor.daemon.readiness.channels import channel_checks, heartbeat_finding, route_findings
from monitor.daemon.readiness.encoder import encoder_finding, encoder_in_use
from monitor.daemon.readiness.feedback import feedback_finding
from monitor.daemon.readiness.file_modes import file_modes_finding
from monitor.daemon.readiness.finding import Finding, note
from monitor.daemon.readiness.incidents import incidents_finding
from monitor.daemon.readiness.metric_names import metric_names_finding
from monitor.daemon.readiness.running import Check, findings_of, run_checks
from monitor.daemon.readiness.temporary_files import temporary_files_finding
from monitor.daemon.readiness.weights import weights_findings
from monitor.settings import Secrets, Sections, Settings

#: Models that a finding names.
MAX_NAMED = 10
#: Time for a check that doesn't read large files.
LIMIT_SECONDS = 60.0
NOT_CHECKED = "not checked: see database"


def check_everything(
    settings: Sections,
    secrets: Secrets,
    *,
    send: bool = False,
    load: bool = False,
    announce: Callable[[str], None] = lambda _: None,
) -> Iterator[list[Finding]]:
    """Yield the findings of each check of what the daemon needs; nothing is changed.

    What each model needs of its own follows what all need. The encoder comes last: loading it takes
    longer than all others. With ``send`` each channel of alerts gets a test message, which is taken
    back; with ``load`` the encoder is loaded although the traffic shows that it works. ``announce``
    is called with what takes long, before it begins.
    """
    yield from _check_everything(settings, secrets, send=send)
    in_use = None if load else encoder_in_use(settings)
    if in_use is None:
        announce("loading the encoder, which takes some seconds of CPU time ...")
    encoder = Check("encoder", lambda: encoder_finding(settings, in_use), is_long=True)
    yield from run_checks([encoder], limit_seconds=LIMIT_SECONDS)


def _check_everything(
    settings: Sections, secrets: Secrets, *, send: bool
) -> Iterator[list[Finding]]:
    checks = _checks(settings, secrets, send=send)
    return note_repeated(checks, run_checks(checks, limit_seconds=LIMIT_SECONDS))


def note_repeated(
    checks: Sequence[Check], results: Iterable[Sequence[Finding]]
) -> Iterator[list[Finding]]:
    """Yield the findings; a problem of the database fails its own check, and is noted by others."""
    is_database_down = False
    for check, findings in zip(checks, results, strict=True):
        has_failed = any(finding.status == "fail" for finding in findings)
        if is_database_down and has_failed and check.reads_database:
            yield [note(NOT_CHECKED, name=check.name)]
            continue
        is_database_down |= has_failed and check.name == "database"
        yield list(findings)


def merge_findings(models: Sequence[str], findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings of a check once each, with the models that have it, of several."""
    models_of: dict[Finding, list[str]] = {}
    for finding in findings:
        models_of.setdefault(replace(finding, model=""), []).append(finding.model)
    for finding, named in models_of.items():
        yield replace(finding, message=_named(models, named) + finding.message)


def _named(models: Sequence[str], named: Sequence[str]) -> str:
    if len(models) == 1 or "" in named:
        return ""
    if len(named) == len(models):
        return "all models: "
    left = len(named) - MAX_NAMED
    return ", ".join(named[:MAX_NAMED]) + (f" and {left} more" if left > 0 else "") + ": "


def _checks(settings: Sections, secrets: Secrets, *, send: bool) -> list[Check]:
    from monitor.alerts.channels import open_channels

    channels = open_channels(secrets, settings)
    return [
        *_shared_checks(settings, secrets),
        *channel_checks(channels, settings, send=send),
        Check("alerts", lambda: route_findings(settings, secrets, channels), reads_database=False),
        Check(
            "heartbeat",
            lambda: heartbeat_finding(settings, secrets, send=send),
            "alerts.heartbeat_url",
            reads_database=False,
        ),
        Check("weights", lambda: weights_findings(settings), is_long=True),
        *_checks_of_models(settings, secrets),
    ]


def _shared_checks(settings: Sections, secrets: Secrets) -> list[Check]:
    def of_files(name: str, find: Callable[[], Finding], setting: str = "") -> Check:
        return Check(name, find, setting, reads_database=False)

    return [
        of_files("false alarms", lambda: monitoring.budget_finding(settings)),
        Check("database", lambda: monitoring.database_finding(settings)),
        of_files("database TLS", lambda: encryption.database_encryption_finding(settings)),
        Check("leader", lambda: leader_note(settings)),
        Check("incidents", lambda: incidents_finding(settings)),
        of_files(
            "broker",
            lambda: progress.stored_records_finding(settings, secrets),
            "kafka.bootstrap_servers",
        ),
        of_files("broker TLS", lambda: encryption.broker_encryption_finding(settings)),
        Check("dead letters", lambda: progress.dead_letters_finding(settings)),
        Check("feedback", lambda: feedback_finding(settings)),
        Check("metric names", lambda: metric_names_finding(settings)),
        Check("user ids", lambda: end_users.user_ids_finding(settings, secrets)),
        Check("suppression", lambda: end_users.suppression_finding(settings)),
        Check("erasures", lambda: end_users.erasures_finding(settings, datetime.now(UTC))),
        Check("unlisted", lambda: monitoring.unlisted_finding(settings)),
        Check("buttons", lambda: slack_buttons.buttons_finding(settings, secrets), "SLACK_API_URL"),
        Check("reviewers", lambda: monitoring.reviewers_finding(settings)),
        of_files(
            "sign-in", lambda: monitoring.sign_in_finding(settings, secrets), "web.oidc.issuer"
        ),
        of_files(
            "gateway",
            lambda: retraining.gateway_finding(settings, secrets),
            f"[rollout.{settings.rollout.gateway}]",
        ),
        of_files(
            "mlflow",
            lambda: retraining.mlflow_finding(settings, secrets),
            "retrain.mlflow.tracking_url",
        ),
        of_files("web", lambda: monitoring.web_finding(settings)),
        of_files("visitors", lambda: encryption.visitors_finding(settings)),
        Check("forwarded", lambda: encryption.forwarded_finding(settings, datetime.now(UTC))),
        of_files("addresses", lambda: encryption.addresses_finding(settings)),
        of_files("secrets", lambda: encryption.secret_files_finding(settings)),
        Check("file modes", lambda: file_modes_finding(settings), is_long=True),
        of_files("temp files", temporary_files_finding),
    ]


def _checks_of_models(settings: Sections, secrets: Secrets) -> list[Check]:
    def of_each(name: str, find: Callable[[Settings], Finding]) -> Check:
        return Check(name, partial(findings_of_models, settings, find))

    def of_files(name: str, find: Callable[[Settings], Finding], *, is_long: bool = False) -> Check:
        return replace(of_each(name, find), reads_database=False, is_long=is_long)

    return [
        of_each("baseline", monitoring.baseline_finding),
        of_each("windows", progress.windows_finding),
        of_each("samples", partial(progress.samples_finding, now=datetime.now(UTC))),
        of_each("looks", monitoring.looks_finding),
        of_each("taxonomy", monitoring.taxonomy_finding),
        of_files("recipe", retraining.recipe_finding),
        of_files("training data", retraining.training_data_finding, is_long=True),
        of_files(
            "evaluation",
            lambda of_model: retraining.evaluation_finding(of_model, secrets),
            is_long=True,
        ),
        of_files("judge", lambda of_model: retraining.judge_finding(of_model, secrets)),
        of_files("work folder", retraining.work_folder_finding),
        of_files("launcher", lambda of_model: retraining.launcher_finding(of_model, secrets)),
        of_each("live model", retraining.live_model_finding),
    ]


def leader_note(settings: Sections) -> Finding:
    """Report the leader: one that is missing or hangs keeps no daemon from being started."""
    finding = monitoring.leader_finding(settings)
    return replace(finding, status="note") if finding.status == "fail" else finding


def findings_of_models(
    settings: Sections, find: Callable[[Settings], Finding]
) -> Iterator[Finding]:
    """Yield what a check finds for each model."""
    for of_model in settings.by_model:
        for finding in findings_of(partial(find, of_model)):
            yield replace(finding, model=of_model.model.name)
