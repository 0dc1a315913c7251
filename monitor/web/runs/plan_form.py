"""Form of a training run's plan: recipe, items that are left out, and confirmation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from monitor.errors import InputError
from monitor.web.forms.fields import text_of
from retrain.planning.proposal import Proposal
from retrain.recipes.recipe_form import FIELDS, form_values, recipe_toml

#: Characters of a recipe, and numbers of items, in a form.
MAX_CHARACTERS, MAX_ITEMS = 20_000, 5_000


@dataclass(frozen=True)
class PlanForm:
    """The content of the form, as it was typed."""

    #: Field of the recipe -> text.
    fields: Mapping[str, str]
    recipe: str
    #: The TOML as the form was sent.
    original: str
    left_out: str
    accept_untrainable: bool
    confirm: str = ""
    #: State of the plan as the form was sent; empty: a new plan.
    seen: str = ""

    @classmethod
    def of(cls, proposal: Proposal, seen: str = "") -> "PlanForm":
        """Return the form of a proposal."""
        recipe = recipe_toml(proposal.recipe)
        return cls(
            fields=form_values(proposal.recipe),
            recipe=recipe,
            original=recipe,
            left_out=", ".join(map(str, proposal.left_out)),
            accept_untrainable=proposal.accept_untrainable,
            seen=seen,
        )

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "PlanForm":
        """Read a request's form as it was typed."""
        recipe = text_of(data, "recipe").replace("\r\n", "\n")
        original = text_of(data, "original").replace("\r\n", "\n")
        fields = {name: text_of(data, name) for name in FIELDS if name in data}
        if raised := text_of(data, "raise_to"):  # the button that keeps the longest example
            fields["max_length"] = raised
        return cls(
            fields=fields,
            recipe=recipe,
            original=original or recipe,
            left_out=text_of(data, "left_out"),
            accept_untrainable=text_of(data, "accept_untrainable") == "yes",
            confirm=text_of(data, "confirm"),
            seen=text_of(data, "seen"),
        )

    def require_short(self) -> None:
        """Refuse a recipe that is too long; ``InputError``."""
        n = max(len(self.recipe), len(self.original))
        if n > MAX_CHARACTERS:
            raise InputError(f"recipe of {n:,} characters; shorten it to {MAX_CHARACTERS:,}")

    @property
    def items(self) -> tuple[int, ...]:
        """The items that are left out; ``InputError`` names what is no number of one."""
        words = re.split(r"[\s,;]+", self.left_out.strip())
        words = [word for word in words if word]
        wrong = [word for word in words if not re.fullmatch(r"[0-9]{1,15}", word)]
        if wrong:
            raise InputError(
                f"no numbers of items: {', '.join(wrong[:10])}; list numbers such as 12, 31"
            )
        if len(words) > MAX_ITEMS:
            raise InputError(f"{len(words):,} items to leave out; at most {MAX_ITEMS:,}")
        return tuple(sorted({int(word) for word in words}))

    def with_seen(self, seen: str) -> "PlanForm":
        """Return the form for another state of the plan."""
        return replace(self, seen=seen)
