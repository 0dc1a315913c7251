"""Assessment of a window in memory, for one version."""

from datetime import datetime

import numpy as np

from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Assessment, Source
from monitor.windows.assessment.build import WindowContext, WindowResult, build_assessment
from monitor.windows.comparison.window_comparison import compare_window
from monitor.windows.findings.findings import Findings, collect_findings
from monitor.windows.versions.reported_version import PartFindings, PartPlan
from monitor.windows.versions.split import VersionPart


def assess_window(
    reference: Exchanges,
    current: Exchanges,
    *,
    drift: Drift,
    seed: int,
    bounds: tuple[datetime, datetime] | None = None,
    earlier: tuple[Assessment, ...] = (),
) -> WindowResult:
    """Compare two windows, collect the findings, and build the assessment."""
    comparison = compare_window(
        reference,
        current,
        drift=drift,
        levels=drift.levels("weekly"),
        alert_threshold=0.1,
        seed=seed,
    )
    findings = collect_findings(comparison, bounds=bounds, earlier=earlier)
    return build_of(findings, current, drift=drift, seed=seed)


def build_of(findings: Findings, current: Exchanges, *, drift: Drift, seed: int) -> WindowResult:
    """Build the assessment of one version's findings."""
    rows = np.arange(len(current), dtype=np.int64)
    plan = PartPlan(VersionPart("", rows, is_serving=True), drift.levels("weekly"), seed)
    part = PartFindings(
        plan=plan,
        findings=findings,
        occurred_at=current.occurred_at,
        baseline="",
        own_baseline=False,
    )
    context = WindowContext(
        model="assistant",
        drift=drift,
        levels=drift.levels("weekly"),
        alert_threshold=0.1,
        seed=seed,
        end_users=current.end_users,
        reference=Source(name="a"),
        current=Source(name="b"),
        encoder="e@1",
        package_versions={"numpy": "2"},
    )
    return build_assessment([part], part, context)
