"""Causes of incidents: level, title, and what to do; each has a page in ``docs/runbooks``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from monitor.settings import Alerts
from monitor.settings.alerts import Level
from monitor.stored_words import Words

#: Path of the runbooks that the part ``web`` serves.
RUNBOOKS = "/runbooks"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A kind of problem that opens an incident."""

    name: str
    level: Level
    title: str
    #: Whether users of the model notice it, or only the monitoring is blind, in one sentence; where
    #: it depends, on what.
    users: str
    #: What to do, as mrkdwn: the message has the first step only, the page of the incident all,
    #: that of the cause more. The first has a command. ``{of_model}`` is the option that names the
    #: model, ``{again}`` the command that evaluates the window again.
    next_steps: tuple[str, ...]
    #: Whether it is the daemon's own, not of a model.
    of_daemon: bool = False
    #: Time for which the condition must be clear before the incident is resolved.
    hold: timedelta = timedelta()

    @property
    def page(self) -> str:
        """Return the name of its page in ``docs/runbooks``, without the extension."""
        return self.name.replace("_", "-")


_ALL = (
    Cause(
        name="drift",
        level="critical",
        title="Drift",
        users="Users may get worse responses.",
        next_steps=(),  # they depend on the evaluation
    ),
    Cause(
        name="evaluation_failed",
        level="error",
        title="Drift evaluation failed",
        users="Users are not affected; drift of this window is not noticed.",
        next_steps=(
            "• Read the error: `driftwarden check --now`, or the daemon's log.",
            "• It is repeated every hour; until it succeeds, drift of this window is not noticed.",
        ),
    ),
    Cause(
        name="evaluation_overdue",
        level="error",
        title="Drift evaluation overdue",
        users="Users are not affected; drift of this window is not noticed.",
        next_steps=(
            "• Check that a replica leads and that ingest keeps up: `driftwarden check --now`.",
            "• Until it is evaluated, drift of this window is not noticed.",
        ),
    ),
    Cause(
        name="late_records",
        level="warning",
        title="Exchanges arrived late",
        users="Users are not affected; a result lacks exchanges.",
        next_steps=(
            "• Once all have arrived: `{again}`.",
            "• Find what delays them: producer, clock, replay; `driftwarden check` shows the lag.",
        ),
    ),
    Cause(
        name="no_traffic",
        level="error",
        title="No traffic",
        users="Users get nothing if production is down; else only monitoring is blind.",
        next_steps=(
            "• Check that production serves the model, then `driftwarden dead-letters`.",
            "• Its records must reach the topic, under a name of config.toml.",
        ),
        hold=timedelta(hours=1),
    ),
    Cause(
        name="signal_missing",
        level="error",
        title="Signal missing",
        users="Users notice it if a feature ended.",
        next_steps=(
            "• Find the release, job or renamed key; then `driftwarden check --now`.",
            "• Left out on purpose: resolve the incident; after a week it is no longer expected.",
        ),
        hold=timedelta(hours=1),
    ),
    Cause(
        name="looks_overdue",
        level="warning",
        title="Looks for large changes overdue",
        users="Users are not affected; a large change waits for its window.",
        next_steps=(
            "• Find what fails: `driftwarden check --now`, and `look_failed` in the log.",
            "• Until they are made, a large change is not noticed before the window ends.",
        ),
    ),
    Cause(
        name="consumer_stalled",
        level="critical",
        title="Ingest stalled",
        users="Users are not affected; new traffic is not monitored.",
        next_steps=(
            "• Check that a replica runs ingest, and its log: `driftwarden check --now`.",
            "• Records that the topic's retention deletes before they are read are lost.",
        ),
        of_daemon=True,
        hold=timedelta(minutes=15),
    ),
    Cause(
        name="records_lost",
        level="error",
        title="Records lost",
        users="Users are not affected; lost records are not monitored.",
        next_steps=(
            "• Mend what keeps ingest behind: `driftwarden check --now`; lengthen retention.",
            "• A window with lost records says so in its remarks.",
        ),
        of_daemon=True,
    ),
    Cause(
        name="dead_letters",
        level="error",
        title="Records could not be read",
        users="Users are affected only if the service itself is broken.",
        next_steps=(
            "• See one of each reason: `driftwarden dead-letters`.",
            "• Mend the cause, then read the kept ones: `driftwarden replay --dead-letters`.",
        ),
        of_daemon=True,
        hold=timedelta(minutes=15),
    ),
    Cause(
        name="messages_undelivered",
        level="critical",
        title="Messages not delivered",
        users="Users are not affected; a channel gets no alarms.",
        next_steps=(
            "• Prove the channel and read its newest error: `driftwarden check --now`.",
            "• Until then only the fallback is told, if there is one; the page has all incidents.",
        ),
        of_daemon=True,
        hold=timedelta(minutes=15),
    ),
    Cause(
        name="backup_overdue",
        level="warning",
        title="Backup overdue",
        users="Users are not affected; newer data has no backup.",
        next_steps=(
            "• Find why `driftwarden db backup` no longer runs: its timer, its log, its disk.",
            "• Made otherwise on purpose: resolve the incident.",
        ),
        of_daemon=True,
    ),
    Cause(
        name="search_index_overdue",
        level="warning",
        title="Search index overdue",
        users="Users are not affected; a search doesn't find new exchanges.",
        next_steps=(
            "• Find what fails: `driftwarden check --now`, and `job_failed` of `index` in the log.",
            "• After a large import or an upgrade: wait until all exchanges are indexed.",
        ),
        of_daemon=True,
    ),
    Cause(
        name="training_failed",
        level="warning",
        title="Training failed",
        users="Users are not affected; production keeps its version.",
        next_steps=(
            "• Read the log: `driftwarden retrain logs RUN`.",
            "• Then resume it: `driftwarden retrain resume RUN`, or start another.",
        ),
    ),
    Cause(
        name="decision_overdue",
        level="warning",
        title="Retraining waits for a confirmation",
        users="Users keep getting errors that training would fix.",
        next_steps=(
            "• A lead confirms it: `driftwarden review confirm DECISION --as NAME`, or its page.",
        ),
    ),
    Cause(
        name="queue_not_worked",
        level="warning",
        title="Review queue not worked",
        users="Users are not affected; the error rate is not known.",
        next_steps=(
            "• Ask the reviewers to work the queue: `driftwarden review queue`.",
            "• Without verdicts there is no decision on retraining.",
        ),
    ),
    Cause(
        name="rollout_reverted",
        level="error",
        title="Rollout reverted",
        users="Users get the stable version, once the gateway has confirmed it.",
        next_steps=(
            "• Read why, with each check: `driftwarden rollout status{of_model}`.",
            "• Mend what was wrong, and start its rollout again.",
            "• Reject a worse version: `driftwarden models reject VERSION --reason WHY{of_model}`.",
        ),
    ),
    Cause(
        name="rollout_holding",
        level="warning",
        title="Rollout waits",
        users="Users of the canary keep a version that is not proven.",
        next_steps=(
            "• Read what is missing: `driftwarden rollout status{of_model}`.",
            "• Mend it, or decide: `driftwarden rollout advance{of_model} --reason WHY`.",
            "• Or take the traffic back: `driftwarden rollout revert{of_model} --reason WHY`.",
        ),
    ),
    Cause(
        name="rollout_not_applied",
        level="critical",
        title="Weights not applied",
        users="Users may get another version than wanted.",
        next_steps=(
            "• Check the gateway and its backends: `driftwarden rollout status{of_model}`.",
            "• Take the traffic back: `driftwarden rollout revert --now{of_model} --reason WHY`.",
        ),
    ),
    Cause(
        name="rollout_shares_differ",
        level="error",
        title="Traffic differs from its weights",
        users="Users may get another version than wanted, unless only labels are wrong.",
        next_steps=(
            "• Compare `driftwarden rollout status{of_model}` with the gateway: routes, retries?",
            "• Check that both versions write their version into the records.",
        ),
    ),
    Cause(
        name="weights_changed",
        level="critical",
        title="Weights changed",
        users="Users may get responses that nobody evaluated, if this version serves.",
        next_steps=(
            "• `driftwarden check --now` names the files: restore them, then restart the servers.",
            "• Find who wrote them. A canary is reverted; production stays.",
            "• Changed on purpose: `driftwarden models register FOLDER{of_model}`; evaluate it.",
            "• Of a candidate: `driftwarden models reject VERSION --reason WHY{of_model}`.",
        ),
    ),
    Cause(
        name="served_model_changed",
        level="critical",
        title="Served model changed",
        users="Users are affected if they use the probed endpoint.",
        next_steps=(
            "• Find what was deployed; `driftwarden probes status{of_model}` has the responses.",
            "• It may be the adapter, base model, server, system prompt or sampling.",
            "• Deployed by mistake: deploy the version of the registry again; probes notice it.",
            "• Routed by a rollout: `driftwarden rollout revert{of_model} --reason WHY`.",
            "• Deployed on purpose: `driftwarden probes accept{of_model} --reason WHY`.",
        ),
    ),
    Cause(
        name="promotion_not_served",
        level="error",
        title="Promoted version not served",
        users="Users still get the version before, as far as probes tell.",
        next_steps=(
            "• See what responds: `driftwarden probes status{of_model}`. Then deploy the version.",
            "• Both versions respond alike: `driftwarden probes accept{of_model} --reason WHY`.",
        ),
    ),
    Cause(
        name="probes_unanswered",
        level="warning",
        title="Probes not answered",
        users="Users are affected only if production does not respond either.",
        next_steps=(
            "• Try it: `driftwarden probes run{of_model}`; compare `probes.url`, key and log.",
            "• Until it responds, a change of what it serves is not noticed.",
        ),
    ),
)


def _unknown(name: str) -> Cause:
    """Return what is known of a cause that a newer release has added: it is as urgent as any."""
    steps = ("• A newer release opened it, and knows its page: `driftwarden incidents list`.",)
    return Cause(
        name=name,
        level="critical",
        title=f"Unknown cause ({name})",
        users="Whether users notice it is not known.",
        next_steps=steps,
    )


#: Levels in a first line: the word says it where colours and shapes are not seen.
LEVEL_MARKS: Mapping[str, str] = Words(
    {
        "critical": "🚨 CRITICAL",
        "error": "🔴 ERROR",
        "warning": "🟠 WARNING",
        "info": "🔵 INFO",
    },
    lambda _: "🚨 CRITICAL",
)

#: By name.
CAUSES: Mapping[str, Cause] = Words({cause.name: cause for cause in _ALL}, _unknown)


def runbook_url(alerts: Alerts, cause: str) -> str:
    """Return the address of a cause's runbook: by default a page of the part ``web``.

    ``{cause}`` in ``alerts.runbook_url`` is the name of the page; without it, all causes share one.
    """
    site = alerts.runbook_url or f"{alerts.public_url.rstrip('/')}{RUNBOOKS}/{{cause}}"
    return site.replace("{cause}", CAUSES[cause].page)
