"""Request bodies shared by several routes."""

from typing import Annotated

import msgspec


class Explanation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The reason to decline, flag or reopen an item; an empty reason skips it."""

    reason: Annotated[str, msgspec.Meta(max_length=2000)] = ""
