"""Checks that run at once, each in a thread and with a time limit."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module

from monitor.daemon.readiness.finding import Finding, fail
from monitor.errors import DriftwardenError, loggable

#: What the checks import. Threads that import a package at once may find it half imported.
IMPORTED = (
    "httpcore",
    "monitor.alerts.channels",
    "monitor.daemon.conditions.of_models",
    "monitor.daemon.conditions.of_the_daemon",
    "monitor.store.migrations",
    "monitor.traffic.kafka.consumer",
    "monitor.web.sign_in.single_sign_on_page",
    "monitor.windows.evaluation",
    "retrain.evaluation.metrics.catalogue",
    "retrain.jobs.factory",
    "retrain.registry.mlflow_mirror",
    "retrain.rollout.apply",
    "retrain.rollout.gateways.factory",
    "retrain.rollout.jobs.conditions",
)


@dataclass(frozen=True)
class Check:
    """A check of one thing that the daemon needs."""

    #: As the findings are called.
    name: str
    find: Callable[[], Finding | Iterable[Finding]]
    #: The setting or variable with the address of the service that it asks.
    setting: str = ""
    #: Whether it reads the database, so that a problem of the database is no finding of its own.
    reads_database: bool = True
    #: Whether it reads files that may be large, so that it has no time limit.
    is_long: bool = False


def run_checks(checks: Sequence[Check], *, limit_seconds: float) -> Iterator[list[Finding]]:
    """Run checks at once, and yield the findings of each, in their order.

    Whatever a check raises is a finding, and so is one that exceeds the time limit: its thread is
    left to itself, and ends with the process.
    """
    for module in IMPORTED:
        with suppress(ImportError, DriftwardenError):  # told by the check that needs it
            import_module(module)
    running = [_Running(check) for check in checks]
    for check in running:
        yield check.findings(limit_seconds)


class _Running:
    """A check in its thread."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._results: list[Finding] = []
        self._seconds = 0.0
        self._began = time.monotonic()
        self._ended = threading.Event()
        threading.Thread(target=self._run, name=f"check {check.name}", daemon=True).start()

    def findings(self, limit_seconds: float) -> list[Finding]:
        """Wait for the findings until the time limit."""
        left = self._began + limit_seconds - time.monotonic()
        if self._ended.wait(None if self._check.is_long else max(left, 0.0)):
            results, seconds = self._results, self._seconds
        else:
            late = fail(f"no result in {limit_seconds:g} s{_question(self._check.setting)}")
            results, seconds = [*self._results, late], limit_seconds
        name = self._check.name
        return [replace(finding, name=name, seconds=round(seconds, 3)) for finding in results]

    def _run(self) -> None:
        for finding in findings_of(self._check.find, setting=self._check.setting):
            self._results.append(finding)
        self._seconds = time.monotonic() - self._began
        self._ended.set()


def findings_of(
    find: Callable[[], Finding | Iterable[Finding]], *, setting: str = ""
) -> Iterator[Finding]:
    """Yield what a check finds; an error is a finding, too."""
    try:
        results = find()
        yield from [results] if isinstance(results, Finding) else results
    except DriftwardenError as error:
        yield fail(str(error))
    except Exception as error:  # noqa: BLE001 - whatever a service responds is a finding
        hint = _question(setting) or "; report this as a bug"
        yield fail(f"the response can't be read: {loggable(error)}{hint}")


def _question(setting: str) -> str:
    return f"; is {setting} right?" if setting else ""
