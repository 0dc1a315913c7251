"""Checks of `driftwarden check --now`: what is broken now, without advice on the set-up."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from monitor.daemon.readiness import encoder, monitoring, progress, retraining, temporary_files
from monitor.daemon.readiness.channels import channel_checks, undelivered_findings
from monitor.daemon.readiness.checks import NOT_CHECKED, findings_of_models, note_repeated
from monitor.daemon.readiness.disk_space import full_findings
from monitor.daemon.readiness.finding import Finding, ok, open_connection, worst_first
from monitor.daemon.readiness.incidents import condition_findings, unresolved_findings
from monitor.daemon.readiness.running import Check, run_checks
from monitor.errors import DriftwardenError
from monitor.settings import Secrets, Sections

#: Time for a check. They run at once, so that all take little longer.
LIMIT_SECONDS = 5.0
#: Checks whose notes are no advice on the set-up.
NOTED = frozenset({"incidents", "conditions", "judge", "broker"})

#: Rank of what fails in a check, and what to do next; else :attr:`Finding.rank` is kept.
NEXT: dict[str, tuple[int, str]] = {
    "database": (0, "start the database, or mend database.url: `driftwarden db check` examines it"),
    "leader": (0, "driftwarden run"),
    "broker": (0, "mend the brokers, or [kafka]; then `driftwarden check --now` again"),
    "disk": (0, "free space, or move the folder to a larger disk"),
    "alerts": (2, "mend the channel; `driftwarden check --send` proves it"),
    "messages": (2, "mend the channel; meanwhile `driftwarden incidents list` has what waits"),
    "temp files": (2, "free space there, or set TMPDIR to a folder on another disk"),
    "gateway": (2, "driftwarden rollout status"),
    "encoder": (2, "mend embedding.model, then `driftwarden run`"),
    "sign-in": (3, "mend the provider, or [web.oidc]"),
    "judge": (4, "mend the judge's endpoint, or [retrain.judge]"),
}


def check_now(
    settings: Sections, secrets: Secrets, *, limit_seconds: float = LIMIT_SECONDS
) -> list[Finding]:
    """Return what is broken now, the worst first; empty: nothing is.

    Each check has its time limit, and all run at once.
    """
    checks = _checks(settings, secrets)
    results = [
        finding
        for findings in note_repeated(checks, run_checks(checks, limit_seconds=limit_seconds))
        for finding in findings
    ]
    broken = [_with_next_step(finding) for finding in _in_context(results) if _is_broken(finding)]
    return sorted(broken, key=worst_first)


def _is_broken(finding: Finding) -> bool:
    if finding.status == "note":
        return finding.name in NOTED and finding.message != NOT_CHECKED
    return finding.status == "fail"


def _in_context(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the findings; that of the database names what nobody knows without it.

    A broker that this host can't reach, and that ingest has just read, is noted.
    """
    unknown = ", ".join(finding.name for finding in findings if finding.message == NOT_CHECKED)
    reading = [f.message for f in findings if f.name == "ingest" and f.status == "ok"]
    for finding in findings:
        message = finding.message
        if finding.name == "database" and unknown:
            yield replace(finding, message=f"{message}; not known without it: {unknown}")
        elif finding.name == "broker" and finding.status == "fail" and reading:
            state = f"{message}; but {reading[0]}: no outage, if it still does in a minute"
            yield replace(finding, status="note", message=state)
        else:
            yield finding


def _with_next_step(finding: Finding) -> Finding:
    rank, command = NEXT.get(finding.name, (finding.rank, finding.command))
    return replace(finding, rank=rank, command=finding.command or command)


def _checks(settings: Sections, secrets: Secrets) -> list[Check]:
    from monitor.alerts.channels import open_channels

    def apart(
        name: str, find: Callable[[], Finding | Iterable[Finding]], setting: str = ""
    ) -> Check:
        return Check(name, find, setting, reads_database=False)

    channels = open_channels(secrets, settings)
    return [
        Check("database", lambda: monitoring.database_finding(settings), "database.url"),
        Check("leader", lambda: monitoring.leader_finding(settings)),
        Check("incidents", lambda: unresolved_findings(settings)),
        Check("conditions", lambda: condition_findings(settings)),
        Check("messages", lambda: undelivered_findings(settings, channels)),
        apart(
            "broker",
            lambda: progress.broker_finding(settings, secrets),
            "kafka.bootstrap_servers",
        ),
        Check("ingest", lambda: progress.reading_finding(settings)),
        *channel_checks(channels, None),
        apart("disk", lambda: full_findings(settings)),
        apart("temp files", temporary_files.temporary_files_finding),
        apart("gateway", lambda: gateway_in_use(settings, secrets), "[rollout]"),
        apart(
            "judge",
            lambda: findings_of_models(
                settings, lambda of_model: retraining.judge_finding(of_model, secrets)
            ),
            "retrain.judge.url",
        ),
        apart("sign-in", lambda: monitoring.sign_in_finding(settings, secrets), "web.oidc.issuer"),
        apart("encoder", lambda: encoder.location_finding(settings)),
    ]


def gateway_in_use(settings: Sections, secrets: Secrets) -> Finding:
    """Check the gateway, whose problems count unless no rollout or experiment is open."""
    from retrain.rollout.rows.rollouts import open_rollouts

    try:
        return retraining.gateway_finding(settings, secrets)
    except DriftwardenError:
        with suppress(DriftwardenError), open_connection(settings) as connection:
            if not open_rollouts(connection):
                return ok("no rollout is open")
        raise
