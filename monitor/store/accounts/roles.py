"""Roles and their permissions, one table that docs/how-to/users-and-sign-on.md shows too."""

from enum import StrEnum


class Permission(StrEnum):
    """A permission of a role."""

    REVIEW = "review items and discuss disagreements"
    READ = "read evaluations, incidents and versions"
    ADJUDICATE = "decide where two reviewers disagree"
    LEAD = "see progress, restore items, act on incidents, confirm retraining"
    MANAGE_USERS = "invite users and manage those of lower roles"
    MANAGE_ALL_USERS = "manage all users, leads and admins included"


#: In ascending order of permissions.
ROLES = ("reviewer", "adjudicator", "lead", "admin")

_REVIEWER = frozenset({Permission.REVIEW, Permission.READ})
_ADJUDICATOR = _REVIEWER | {Permission.ADJUDICATE}
_LEAD = _ADJUDICATOR | {Permission.LEAD, Permission.MANAGE_USERS}
_ADMIN = _LEAD | {Permission.MANAGE_ALL_USERS}

PERMISSIONS: dict[str, frozenset[Permission]] = {
    "reviewer": _REVIEWER,
    "adjudicator": _ADJUDICATOR,
    "lead": _LEAD,
    "admin": _ADMIN,
}


def may(role: str, permission: Permission) -> bool:
    """Return whether a role has a permission; an unknown role has none."""
    return permission in PERMISSIONS.get(role, frozenset())


def may_grant(own: str, role: str) -> bool:
    """Return whether a role may grant another: its own or a lower one."""
    return may(own, Permission.MANAGE_USERS) and _rank(role) <= _rank(own)


def may_manage(own: str, role: str) -> bool:
    """Return whether a role may manage users of another: of lower roles, or all as admin.

    A lead can't reset the password of another lead, because the link would sign them in as that
    lead.
    """
    if may(own, Permission.MANAGE_ALL_USERS):
        return True
    return may(own, Permission.MANAGE_USERS) and _rank(role) < _rank(own)


def _rank(role: str) -> int:
    """Return the place of a role; one of a newer release is above all others."""
    return ROLES.index(role) if role in ROLES else len(ROLES)
