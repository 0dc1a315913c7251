"""What an assessment rests on: where both sides come from, the encoder, the versions."""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from monitor.store.windows.assessment import Assessment, Source


def with_basis(
    assessment: Assessment,
    *,
    reference: Source,
    current: Source,
    encoder: str,
    versions: dict[str, str],
) -> Assessment:
    """Add what only who brought the exchanges together knows; users were counted already.

    Of several versions ``reference`` is what the one was compared with whose figures are shown.
    """
    basis = assessment.basis
    if basis is None:
        return assessment
    completed = replace(
        basis,
        reference=replace(reference, n_end_users=basis.reference.n_end_users),
        current=replace(current, n_end_users=basis.current.n_end_users),
        encoder=encoder,
        versions=versions,
    )
    return replace(assessment, basis=completed)


def with_provenance(assessment: Assessment, provenance: dict[str, Any]) -> Assessment:
    """Add what is stored with an evaluation."""
    baseline = provenance.get("baseline") or {}
    return with_basis(
        assessment,
        reference=Source(
            name="the baseline",
            digest=baseline.get("digest", ""),
            first=_instant(baseline.get("first")),
            last=_instant(baseline.get("last")),
        ),
        current=Source(digest=provenance.get("window", {}).get("digest", "")),
        encoder=provenance["encoder"],
        versions=provenance["versions"],
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
