"""The entry of a release in CHANGELOG.md: `python -m scripts.release.changelog 1.2.3` prints it."""

import re
import sys
from datetime import date
from pathlib import Path

from scripts.release.errors import ReleaseError

HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
#: In place of the date of a release that is not made yet.
IN_PREPARATION = "in preparation"


def sections(text: str) -> dict[str, str]:
    """Return the texts of the sections by their headings, without comments."""
    parts = HEADING.split(re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL))
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


def check_entry(text: str, release: str) -> None:
    """Check that a changelog has the entry of a release, and nothing that waits for an entry.

    Raises:
        ReleaseError: It lacks the entry, or lists changes that no entry has.
    """
    listed = sections(text)
    heading = f"[{release}] - {IN_PREPARATION}"
    if not listed.get(heading):
        raise ReleaseError(f"CHANGELOG.md: no entry: ## {heading}; write it")
    if listed.get("[Unreleased]", "missing"):
        raise ReleaseError(
            f"CHANGELOG.md: changes under [Unreleased]; move them to [{release}], and leave the "
            "heading"
        )


def date_entry(text: str, release: str, day: date) -> str:
    """Return a changelog in which the entry of a release has its date."""
    return text.replace(f"## [{release}] - {IN_PREPARATION}", f"## [{release}] - {day:%Y-%m-%d}")


def entry(text: str, release: str) -> str:
    """Return the text of the entry of a release.

    Raises:
        ReleaseError: There is none.
    """
    for heading, listed in sections(text).items():
        if heading.startswith(f"[{release}] - ") and listed:
            return listed
    raise ReleaseError(f"CHANGELOG.md: no entry of {release}")


if __name__ == "__main__":
    sys.stdout.write(f"{entry(Path('CHANGELOG.md').read_text('utf-8'), sys.argv[1])}\n")
