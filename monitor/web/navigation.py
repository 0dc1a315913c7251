"""The navigation: five groups of pages, each a list of entries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from monitor.store.accounts.users import UserRow


def everybody(_user: UserRow) -> bool:
    """Show an entry to every user."""
    return True


def leads(user: UserRow) -> bool:
    """Show an entry to leads of at least one model."""
    return bool(user.led_models)


@dataclass(frozen=True)
class NavigationEntry:
    """A page of the navigation: its list, and all pages below it."""

    path: str
    label: str
    shown_to: Callable[[UserRow], bool] = everybody
    #: Whether the page is about the chosen model, or one of all models.
    has_model: bool = True
    #: Whether the page has a list of all models at once.
    has_all_models: bool = True
    #: Whether it shows findings, which may be withheld; see :mod:`monitor.web.blindness`.
    has_findings: bool = False


#: The groups in their order. An entry is one line; a group without an entry for a user is left out.
GROUPS: dict[str, tuple[NavigationEntry, ...]] = {
    "Overview": (NavigationEntry("/overview", "Overview", has_model=False, has_findings=True),),
    "Monitoring": (
        NavigationEntry("/drift-evaluations", "Drift", has_findings=True),
        NavigationEntry("/digest", "Digest", has_all_models=False, has_findings=True),
        NavigationEntry("/incidents", "Incidents", has_findings=True),
        NavigationEntry("/exchanges", "Exchanges", leads, has_all_models=False),
        NavigationEntry("/runbooks", "Runbooks", has_model=False),
    ),
    "Review": (
        NavigationEntry("/review", "Queue"),
        NavigationEntry("/submitted", "Submitted"),
        NavigationEntry("/human-evaluations", "Human evaluation"),
        NavigationEntry("/progress", "Progress", leads, has_all_models=False),
        NavigationEntry("/decisions", "Decisions", leads),
        NavigationEntry("/guidelines", "Guidelines", leads, has_all_models=False),
    ),
    "Models": (
        NavigationEntry("/models", "Versions", has_findings=True),
        NavigationEntry("/candidate-evaluations", "Candidates", leads),
        NavigationEntry("/runs", "Training", leads),
        NavigationEntry("/rollouts", "Rollouts", has_findings=True),
    ),
    "Access": (
        NavigationEntry("/access-log", "Access log", leads),
        NavigationEntry("/requests", "Requests", leads, has_model=False),
        NavigationEntry("/users", "Users", lambda user: user.manages_users, has_model=False),
    ),
}


@dataclass(frozen=True)
class Link:
    """A link of the navigation."""

    address: str
    label: str
    is_current: bool


@dataclass(frozen=True)
class Navigation:
    """The navigation of a page."""

    groups: tuple[Link, ...]
    #: The pages of the current group; none where it has a single one.
    pages: tuple[Link, ...]
    #: The current entry; ``None`` outside of all.
    current: NavigationEntry | None


def navigation(
    user: UserRow, here: str, model: str | None, n_models: int, *, is_blind: bool
) -> Navigation:
    """Return the navigation of a user.

    A single model needs not be named. Pages of findings are left out for a user who is blind: from
    whom those of all models are withheld.
    """
    groups = []
    pages: Sequence[NavigationEntry] = ()
    current = None
    named = model if n_models > 1 else None
    for label, entries in GROUPS.items():
        visible = [
            entry
            for entry in entries
            if entry.shown_to(user) and not (is_blind and entry.has_findings)
        ]
        if not visible:
            continue
        at = next((entry for entry in visible if _is_below(here, entry.path)), None)
        groups.append(Link(_address(visible[0], user, named), label, at is not None))
        if at is not None:
            pages, current = visible, at
    links = tuple(
        Link(_address(entry, user, named), entry.label, entry is current) for entry in pages
    )
    return Navigation(tuple(groups), links if len(links) > 1 else (), current)


def _is_below(here: str, path: str) -> bool:
    return here == path or here.startswith(f"{path}/")


def _address(entry: NavigationEntry, user: UserRow, model: str | None) -> str:
    """Return the address of an entry, for the model where the user may see it there."""
    if model is None or not entry.has_model:
        return entry.path
    if entry.shown_to is leads and not user.is_lead_of(model):
        return entry.path
    return f"{entry.path}?{urlencode({'model': model})}"
