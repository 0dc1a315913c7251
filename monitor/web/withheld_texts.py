"""Evaluations and messages without texts of end users, for reviewers of some task types.

Quotes and words of topics don't say of which task type they are, so that such a reviewer sees none.
Exchanges on the map and items do: see :meth:`monitor.store.accounts.grants.Grants.reads_texts_of`.
"""

import re
from dataclasses import replace as with_fields

from msgspec.structs import replace

from monitor.privacy.erasure.quotes import Quotes
from monitor.store.windows.assessment import Assessment, FamilyAssessment
from monitor.store.windows.drift_evaluations import DriftEvaluationRow
from monitor.windows.findings.explanations import QUOTING

WITHHELD = "(of other task types)"
#: From the first to the last quotation mark, as a quoted text may hold some.
_QUOTED = re.compile(r"“.*”", re.DOTALL)


def withhold_quoted(text: str) -> str:
    """Return a line without what stands between quotation marks: words and prompts of topics."""
    return _QUOTED.sub(f"“{WITHHELD}”", text)


def withhold_texts(row: DriftEvaluationRow) -> DriftEvaluationRow:
    """Return a drift evaluation with its figures, without quotes, names of topics and errors."""
    error = row.error and "for leads only: it may quote texts"
    if row.assessment is None:
        return with_fields(row, error=error)
    assessment, _ = Quotes.of_assessment(row.assessment).remove_from(row.assessment)
    return with_fields(row, error=error, assessment=_without_texts(assessment))


def _without_texts(assessment: Assessment) -> Assessment:
    return replace(
        assessment,
        headline=withhold_quoted(assessment.headline),
        findings=tuple(map(withhold_quoted, assessment.findings)),
        remarks=tuple(map(withhold_quoted, assessment.remarks)),
        input=_without_names(assessment.input),
        output=_without_names(assessment.output),
    )


def _without_names(family: FamilyAssessment) -> FamilyAssessment:
    topics = [replace(topic, name=f"topic {topic.index}", examples=()) for topic in family.topics]
    explanations = tuple(
        replace(
            explanation,
            text=explanation.text and WITHHELD,
            before=explanation.before and WITHHELD,
        )
        if explanation.kind in QUOTING
        else explanation
        for explanation in family.explanations
    )
    return replace(family, topics=tuple(topics), outliers=(), pairs=(), explanations=explanations)
