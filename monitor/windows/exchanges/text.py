"""Short description of an assessment, for the prompt of an interpreter."""

import math

from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt
from monitor.rendering.response_changes import describe_extent
from monitor.rendering.wording import NOUNS, describe_comparable_sizes, describe_untested
from monitor.statistics.p_value_text import state_p_value
from monitor.store.windows.assessment import Assessment, FamilyAssessment

HEADLINE_CHARACTERS = 200
FAMILY_CHARACTERS = 150


def describe(assessment: Assessment) -> str:
    """Return verdict, headline, both families and sizes in fewer than 600 characters."""
    families = "; ".join(_family(family) for family in (assessment.input, assessment.output))
    size = pluralize(assessment.n_current, "exchange")
    comparable = describe_comparable_sizes(assessment)
    return (
        f"Assessment({assessment.verdict}: {excerpt(assessment.headline, HEADLINE_CHARACTERS)!r}; "
        f"{families}; {size} against {assessment.n_reference:,}{comparable})"
    )


def _family(family: FamilyAssessment) -> str:
    noun = NOUNS[family.family]
    if math.isnan(family.p_value):
        reason = f": {describe_untested(family)}" if family.untested_reason else ""
        return excerpt(f"{noun} not tested{reason}", FAMILY_CHARACTERS)
    extent = f", {describe_extent(family)}" if family.verdict == "drift" else ""
    p_value = state_p_value(family.p_value, family.level)
    return excerpt(f"{noun} {p_value}{extent}", FAMILY_CHARACTERS)
