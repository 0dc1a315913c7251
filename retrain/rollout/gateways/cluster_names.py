"""Names of versions at a gateway."""

import re


def cluster_name(model: str, version: int) -> str:
    """Return the name of a version at a gateway.

    >>> cluster_name("support bot", 3)
    'support-bot-v3'
    """
    return f"{plain_name(model)}-v{version}"


def plain_name(model: str) -> str:
    """Return a model's name with hyphens for what cluster names can't hold."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", model)


def version_of_cluster(model: str, name: str) -> int | None:
    """Return the version of a model that a cluster name means; ``None`` for other names.

    >>> version_of_cluster("support bot", "support-bot-v3")
    3
    """
    match = re.fullmatch(re.escape(plain_name(model)) + r"-v(\d+)", name)
    return int(match[1]) if match else None
