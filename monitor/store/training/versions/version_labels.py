"""Labels of a version in the traffic."""

import re


def version_labels(model: str, version: int) -> tuple[str, ...]:
    """Return the labels by which the traffic may name a version.

    >>> version_labels("support bot", 3)
    ('3', 'v3', 'support-bot-v3')
    """
    cluster = re.sub(r"[^A-Za-z0-9_.-]+", "-", model)
    return str(version), f"v{version}", f"{cluster}-v{version}"
