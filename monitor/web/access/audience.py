"""Audience and texts of each route, which it declares in its ``opt``.

``opt=LEADS``: figures, states and names, for leads. ``opt=LEADS | WORDS``: also what staff and
programs wrote. ``opt=LEADS | texts("run")``: also texts of end users, or what may quote them, so
that each response is an entry of the access log.

``opt=REVIEWERS | NO_FINDINGS``: a page or a step of reviewers at work, which shows no findings. Any
other route is taken to show some: see :mod:`monitor.web.blindness`.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

AUDIENCE, TEXTS, FINDINGS = "audience", "texts", "findings"


class Audience(IntEnum):
    """The least that a visitor must be to be served, in ascending order."""

    EVERYBODY = 0
    #: Signed-in users, with a role or without one.
    USERS = 1
    #: Users with a role on the model of the address.
    REVIEWERS = 2
    ADJUDICATORS = 3
    LEADS = 4
    #: Programs that show a token instead of a session.
    PROGRAMS = 9


@dataclass(frozen=True)
class Texts:
    """Texts that a route shows.

    They are prompts, responses and quotes of them, words of topics, and what may quote: errors,
    logs, messages, and the reasons of flags.
    """

    #: What they are of, in the access log; empty: only words of staff and of programs.
    kind: str = ""
    #: Whether leads of the model alone see texts of end users there.
    is_for_leads: bool = False
    #: Whether the fragment by which an open page refreshes itself holds texts too.
    is_in_refresh: bool = True


def texts(kind: str, *, is_for_leads: bool = False, is_in_refresh: bool = True) -> dict[str, Any]:
    """Return the declaration that a route shows texts; see :class:`Texts`."""
    return {TEXTS: Texts(kind, is_for_leads, is_in_refresh)}


EVERYBODY: dict[str, Any] = {AUDIENCE: Audience.EVERYBODY}
USERS: dict[str, Any] = {AUDIENCE: Audience.USERS}
REVIEWERS: dict[str, Any] = {AUDIENCE: Audience.REVIEWERS}
ADJUDICATORS: dict[str, Any] = {AUDIENCE: Audience.ADJUDICATORS}
LEADS: dict[str, Any] = {AUDIENCE: Audience.LEADS}
PROGRAMS: dict[str, Any] = {AUDIENCE: Audience.PROGRAMS}
WORDS: dict[str, Any] = {TEXTS: Texts()}
NO_FINDINGS: dict[str, Any] = {FINDINGS: False}
