"""Resemblance of ids."""

import pytest

from monitor.privacy.end_users.near_matches import resemblance


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("ann@example.org", "ann@example.com", "domain"),
        ("ann@example.org", "ann+bank@example.org", "tag"),
        ("annsmith", "annsmith@example.org", "local part"),
        ("customer-00765", "customer-0765", "edit"),
        ("customer-00765", "customer-00756", "edit"),
        ("customer-00765", "customer-00766", "edit"),
        ("customer-007-65", "customer_007_65", "separators"),
        ("customer-007-65", "customer00765", "separators"),
        ("customer-007-65", "customer-0076-6", None),
        ("+4930901820", "030901820", "country code"),
        ("+4930901820", "4930901820", "digits"),
        ("customer-00765", "customer-00865x", None),
        ("customer-00765", "customer-00765", None),
        ("ann", "amn", None),
        ("bob@example.org", "ann@example.com", None),
    ],
)
def test_resemblance_has_a_reason(first: str, second: str, reason: str | None) -> None:
    assert resemblance(first, second) == reason
    assert resemblance(second, first) == reason
