"""Roles: the documented table of permissions."""

import re
from pathlib import Path

from monitor.store.accounts.roles import PERMISSIONS, ROLES, Permission, may

PAGE = Path(__file__).resolve().parents[4] / "docs" / "how-to" / "users-and-sign-on.md"


def test_documented_permissions_equal_those_in_the_code() -> None:
    section = (
        PAGE.read_text(encoding="utf-8").partition("## Roles and permissions")[2].partition("##")[0]
    )
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


def test_unknown_role_has_no_permission() -> None:
    assert not any(may("owner", permission) for permission in Permission)
