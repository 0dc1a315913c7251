"""The table of roles in the documentation is the one in the code."""

import re
from pathlib import Path

from monitor.store.accounts.roles import PERMISSIONS, ROLES, Permission, may

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "people-and-sign-on.md"


def test_the_documented_table_is_the_one_in_the_code() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Who may do what")[2].partition("##")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in re.findall(r"^\|.*\|$", section, re.MULTILINE)
    ]
    assert ["", *ROLES] == rows[0]
    documented = {
        role: {row[0] for row in rows[2:] if row[column] == "yes"}
        for column, role in enumerate(ROLES, start=1)
    }
    assert {role: {*PERMISSIONS[role]} for role in ROLES} == documented


def test_a_role_that_does_not_exist_may_nothing() -> None:
    assert not any(may("owner", permission) for permission in Permission)
