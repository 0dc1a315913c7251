"""Every signal: what is expected of it, in which time its end is found, what tells it, its test.

A new signal gets an entry here. The table of the documentation is written from it.
"""

from dataclasses import dataclass

#: Folder of the tests.
TESTS = "tests/integration"


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """The sensor of a signal."""

    signal: str
    #: How its expectation follows from its own history, or from the settings.
    expected: str
    #: Time from its end.
    found_within: str
    #: A name of :data:`monitor.alerts.causes.CAUSES`, or of an alert of Prometheus.
    told_by: str
    #: The test that cuts it: file below :data:`TESTS`, or from the root, and function.
    test: str


_USUAL = "its share on the same weekdays of four weeks, from its first week on"
_SIGNALS = "daemon/signals/test_signals.py::"
_CONDITIONS = "daemon/test_conditions.py::"
_EACH_CONDITION = f"{_CONDITIONS}test_condition_is_reported_once_and_resolved_with_it"
_CUT = f"{_SIGNALS}test_signal_that_is_cut_is_reported_within_a_day"

SENSORS = (
    Sensor(
        signal="traffic of a model",
        expected="the fewest of the same weekday in four weeks, from its first week on",
        found_within="25 hours, or 49 with quiet weekends",
        told_by="no_traffic",
        test=f"{_SIGNALS}test_traffic_that_falls_to_a_tenth_is_reported",
    ),
    Sensor(
        signal="a model's share of all traffic",
        expected="the least of the same weekday in four weeks, from its first week on",
        found_within="25 hours, or 49 with quiet weekends",
        told_by="no_traffic",
        test=f"{_SIGNALS}test_share_of_a_model_that_falls_is_reported",
    ),
    Sensor(
        signal="metric",
        expected=_USUAL,
        found_within="25 hours",
        told_by="signal_missing",
        test=_CUT,
    ),
    Sensor(
        signal="field: user, response, task type, version",
        expected=_USUAL,
        found_within="25 hours",
        told_by="signal_missing",
        test=_CUT,
    ),
    Sensor(
        signal="task type",
        expected=_USUAL,
        found_within="25 hours",
        told_by="signal_missing",
        test=_CUT,
    ),
    Sensor(
        signal="feedback",
        expected=_USUAL,
        found_within="25 hours",
        told_by="signal_missing",
        test=_CUT,
    ),
    Sensor(
        signal="judge scores of a rollout",
        expected="`rollout.judged_per_hour`; the stage waits for them",
        found_within="the longest time of a stage",
        told_by="rollout_holding",
        test="retrain/rollout/test_life.py::test_missing_measurement_holds_then_asks",
    ),
    Sensor(
        signal="probes",
        expected="`probes.interval`; a run that began ends within six hours",
        found_within="twice the interval after the last run",
        told_by="probes_unanswered",
        test="retrain/probes/test_probes.py::test_no_run_for_twice_the_interval_is_an_incident",
    ),
    Sensor(
        signal="reviews",
        expected="open items",
        found_within="3 days after the last work on them",
        told_by="queue_not_worked",
        test=_EACH_CONDITION,
    ),
    Sensor(
        signal="incidents and review batches of evaluations",
        expected="evaluated windows",
        found_within="26 hours after the end of the window",
        told_by="evaluation_overdue",
        test=f"{_CONDITIONS}test_evaluation_that_is_not_followed_up_is_reported",
    ),
    Sensor(
        signal="drift evaluations",
        expected="`monitoring.drift_detection`, from the first traffic on",
        found_within="26 hours after the end of the window",
        told_by="evaluation_overdue",
        test=_EACH_CONDITION,
    ),
    Sensor(
        signal="looks",
        expected="`monitoring.large_changes`, from a day after the first traffic on",
        found_within="3 hours after the hour of one",
        told_by="looks_overdue",
        test=_EACH_CONDITION,
    ),
    Sensor(
        signal="backups by `driftwarden db backup`",
        expected="the usual interval of the last 15, from the third on",
        found_within="twice the interval after the last one",
        told_by="backup_overdue",
        test=_EACH_CONDITION,
    ),
    Sensor(
        signal="messages",
        expected="each is taken by its channel",
        found_within="15 minutes after the first that is not taken",
        told_by="messages_undelivered",
        test="alerts/test_fallback.py::test_an_unreachable_channel_is_an_incident_until_it_is_mended",
    ),
    Sensor(
        signal="ingest",
        expected="each partition moves, or is at its end",
        found_within="16 minutes",
        told_by="consumer_stalled",
        test=_EACH_CONDITION,
    ),
    Sensor(
        signal="the search index",
        expected="each stored exchange is indexed",
        found_within="61 minutes after the first that is not",
        told_by="search_index_overdue",
        test=_EACH_CONDITION,
    ),
    Sensor(
        signal="the leader",
        expected="its lease of 30 seconds",
        found_within="32 seconds, by another replica",
        told_by="DriftwardenNoLeader",
        test="tests/failover/test_failover.py::test_failing_leader_is_replaced_in_time",
    ),
    Sensor(
        signal="the daemon",
        expected="its heartbeat, or a scrape by Prometheus",
        found_within="the grace time there",
        told_by="DriftwardenDown",
        test="test_prometheus_rules.py::test_the_rules_are_valid_and_fire_rightly",
    ),
)
