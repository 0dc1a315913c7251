"""Files of a checkout that the wheel carries within the package."""

from collections.abc import Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

#: Place in a checkout -> name in the package; ``pyproject.toml`` has the same table.
PLACES: Mapping[str, str] = {
    "alembic": "_alembic",
    "docs/runbooks": "_runbooks",
    "docs/reference/assessment.schema.json": "_assessment.schema.json",
    "config.toml": "_config.toml",
}


def packaged_file(place: str) -> Path:
    """Return a file or folder, in the installed wheel or in the checkout.

    The place is a key of :data:`PLACES`.
    """
    packaged = PACKAGE / PLACES[place]
    return packaged if packaged.exists() else PACKAGE.parent / place
