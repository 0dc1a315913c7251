"""Results of arrays as assessments, which have the report of exchanges."""

from typing import Literal

import numpy as np

from monitor.drift.result import DriftResult
from monitor.plurals import pluralize
from monitor.settings import Drift
from monitor.store.windows import assessment as document
from monitor.windows.exchanges.result import Assessment
from monitor.windows.findings.families import build_family, untested_family
from monitor.windows.findings.sentences.headline import compose_headline, describe_findings


def to_assessment(result: DriftResult) -> Assessment:
    """Return a result of ``compare`` or ``compare_given`` as an assessment, for its report.

    A topic is a cluster, named by its number. No text is quoted, as none is known.
    """
    prompts, responses = untested_family("input"), untested_family("output")
    reason = (
        f"Not enough data: {pluralize(result.n_current, 'exchange')} of "
        f"{pluralize(result.n_current_groups, 'end user')} compared with {result.n_reference:,} of "
        f"{result.n_reference_groups:,}."
    )
    findings = {reason: ""}
    if result.shift is not None:
        prompts, responses = untested_family("input", "other_family"), _family("output", result)
    elif result.alpha is not None:
        prompts, responses = _family("input", result), untested_family("output", "other_family")
    if result.alpha is not None:
        findings = describe_findings(prompts, responses, (), drift=Drift())
    return Assessment.of(
        document.Assessment(
            model="",
            verdict=result.verdict,
            alarm=result.verdict == "drift",
            headline=compose_headline(findings),
            findings=tuple(findings),
            finding_kinds=tuple(findings.values()),
            n_reference=result.n_reference,
            n_current=result.n_current,
            input=prompts,
            output=responses,
        )
    )


def _family(family: Literal["input", "output"], result: DriftResult) -> document.FamilyAssessment:
    alpha = result.alpha or 0.0
    topics = [
        document.Topic(
            index=number,
            name=f"cluster {number}",
            n_current=cluster.size,
            n_end_users=0,
            share_current=cluster.share_current,
            share_reference=cluster.share_reference,
            enrichment=cluster.enrichment,
            enrichment_lower=cluster.enrichment_lower,
            enrichment_upper=cluster.enrichment_upper,
            examples=(),
        )
        for number, cluster in sorted(enumerate(result.clusters), key=lambda item: -item[1].size)
        if result.p_value <= alpha
    ]
    return build_family(
        *(family, result, topics),
        alpha=alpha,
        topic_of=np.full(result.n_current, -1),
        quoter=None,
    )
