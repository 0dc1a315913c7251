"""Findings that are withheld from reviewers while items wait for review: they anchor verdicts.

Findings are what was found out about a model: windows and their topics, rates, verdicts of others,
incidents, decisions, scores, rollouts. Leads of a model see them.

Every route withholds them, as its visit leaves these models out (see
:mod:`monitor.web.current_user`), unless it declares that it shows no findings.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from litestar.exceptions import PermissionDeniedException
from sqlalchemy import Connection

from monitor.store.accounts.roles import Permission
from monitor.store.accounts.users import UserRow
from monitor.store.fleet import AWAITED, count_items, models_with_awaited_items
from monitor.store.review.audits import count_items_to_audit
from monitor.web.models_of_user import ModelChoice


class FindingsWithheldException(PermissionDeniedException):
    """A page or a file has findings that are withheld from the user.

    Its page has the switch of models: ``choices``, and the model of the address.
    """

    def __init__(
        self, blind: Mapping[str, int], choices: Sequence[ModelChoice], model: str | None
    ) -> None:
        super().__init__(describe(blind).removesuffix("."))
        self.choices = choices
        self.model = model


def may_be_blind(user: UserRow) -> bool:
    """Return whether findings may be withheld from a user: of a model that they don't lead."""
    return user.visible_models != user.led_models


def blind_models(connection: Connection, user: UserRow, *, counts: bool = True) -> dict[str, int]:
    """Return the models whose findings are withheld from a user, each with its waiting items.

    Items wait for a review, or for a ruling where reviewers disagree. For whoever may decide
    audits, items to audit wait too. Flagged items wait for leads, who are not blind. Without
    ``counts``, which take long where many items wait, 1 stands for any number.
    """
    if not may_be_blind(user):
        return {}
    waiting = Counter(
        {
            model: sum(statuses.get(status, 0) for status in AWAITED)
            for model, statuses in count_items(connection).items()
        }
        if counts
        else dict.fromkeys(models_with_awaited_items(connection), 1)
    )
    decided = user.grants.portions(Permission.ADJUDICATE)
    if decided:
        waiting.update(count_items_to_audit(connection, user.id, decided))
    return {
        model: n
        for model, n in sorted(waiting.items())
        if n and model in user.visible_models and not user.is_lead_of(model)
    }


def describe(blind: Mapping[str, int]) -> str:
    """Return a sentence for each model: that its findings are withheld, and until when."""
    return " ".join(
        f"Findings of {model} are shown when its "
        f"{'waiting item is' if n == 1 else f'{n:,} waiting items are'} done."
        for model, n in blind.items()
    )
