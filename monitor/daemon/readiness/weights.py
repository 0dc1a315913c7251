"""Check of the versions' weights: they are what was registered."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from monitor.daemon.readiness.finding import Finding, fail, note, ok, open_connection
from monitor.errors import DriftwardenError
from monitor.settings import Sections

if TYPE_CHECKING:
    from monitor.store.training.registry import VersionRow
    from retrain.identity.verification import Change

#: Stages of versions that serve, or may serve next.
STAGES = ("production", "canary", "candidate")


def weights_findings(settings: Sections) -> Iterator[Finding]:
    """Yield a finding for each version whose weights are not what was registered, or else one."""
    from retrain.identity.verification import compare, not_recorded

    try:
        versions = _versions(settings)
    except DriftwardenError as error:
        yield fail(str(error))
        return
    n_same, now = 0, datetime.now(UTC)
    for version in versions:
        identity = version.identity
        change = not_recorded(version) if identity is None else compare(identity, now).change
        if change is None:
            n_same += 1
            if version.weights_change is not None:
                text = version.weights_change.text
                yield note(f"{_name(version)}: as registered, but the leader finds: {text}")
        else:
            yield _finding(version, change)
    if n_same == len(versions):
        yield ok(f"versions in {', '.join(STAGES)}: {n_same}, as registered")


def _versions(settings: Sections) -> "list[VersionRow]":
    from monitor.store.training.registry import list_versions

    with open_connection(settings) as connection:
        return [
            version
            for of_model in settings.by_model
            for version in list_versions(connection, of_model.model.name)
            if version.stage in STAGES
        ]


def _finding(version: "VersionRow", change: "Change") -> Finding:
    message = f"{_name(version)}: {change.text}"
    is_absent_candidate = version.stage == "candidate" and change.kind != "changed"
    return (note if is_absent_candidate or change.kind == "not_recorded" else fail)(message)


def _name(version: "VersionRow") -> str:
    return f"{version.model} version {version.version}, {version.stage}"
