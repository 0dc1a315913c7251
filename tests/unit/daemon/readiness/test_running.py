"""Checks that run at once, with a time limit each."""

from collections.abc import Iterator
from threading import Barrier, Event

import pytest

from monitor.daemon.readiness import running
from monitor.daemon.readiness.finding import Finding, note, ok
from monitor.daemon.readiness.running import Check, run_checks
from monitor.errors import InputError

#: Only a defect lets a test wait for so long.
PATIENCE = 30.0


@pytest.fixture(autouse=True)
def no_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Import nothing that these checks don't need."""
    monkeypatch.setattr(running, "IMPORTED", ())


def statuses(*checks: Check, limit_seconds: float = PATIENCE) -> list[list[str]]:
    results = run_checks(checks, limit_seconds=limit_seconds)
    return [[finding.status for finding in findings] for findings in results]


def test_checks_run_at_once() -> None:
    barrier = Barrier(8, timeout=PATIENCE)

    def meet() -> Finding:
        barrier.wait()
        return ok("met the others")

    assert statuses(*(Check(f"{n}", meet) for n in range(8))) == [["ok"]] * 8


def test_a_hanging_check_is_a_finding_and_delays_none() -> None:
    released = Event()

    def hang() -> Finding:
        released.wait(PATIENCE)
        return ok("too late")

    checks = [Check("a", hang, "kafka.bootstrap_servers"), Check("b", lambda: ok("b"))]
    try:
        (late,), (fine,) = run_checks(checks, limit_seconds=0.2)
        assert not released.is_set()
    finally:
        released.set()
    assert (late.name, late.status, late.seconds) == ("a", "fail", 0.2)
    assert "kafka.bootstrap_servers" in late.message
    assert (fine.name, fine.status) == ("b", "ok")


def test_a_long_check_has_no_limit() -> None:
    started, released = Event(), Event()

    def work() -> Finding:
        started.set()
        released.wait(PATIENCE)
        return ok("read all")

    results = run_checks([Check("a", lambda: ok("a")), Check("weights", work, is_long=True)],
                         limit_seconds=0.0)  # fmt: skip
    next(results)
    assert started.wait(PATIENCE)
    released.set()
    assert [finding.message for finding in next(results)] == ["read all"]


@pytest.mark.parametrize("error", [InputError("no"), KeyError("versionInfo"), RecursionError()])
def test_findings_before_an_error_stay(error: Exception) -> None:
    def find() -> Iterator[Finding]:
        yield note("first")
        raise error

    ((first, failed), (last,)) = run_checks(
        [Check("a", find, "alerts.channels.am.url"), Check("b", lambda: ok("b"))],
        limit_seconds=PATIENCE,
    )
    assert (first.message, failed.status, last.status) == ("first", "fail", "ok")
    assert (failed.message == "no") == isinstance(error, InputError)
    assert ("alerts.channels.am.url" in failed.message) != isinstance(error, InputError)


def test_a_text_of_the_traffic_is_not_in_a_finding() -> None:
    def find() -> Finding:
        raise ValueError("could not convert 'my card is 4711'")

    ((failed,),) = run_checks([Check("a", find)], limit_seconds=PATIENCE)
    assert "4711" not in failed.message
    assert "ValueError" in failed.message
