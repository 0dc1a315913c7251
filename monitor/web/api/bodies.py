"""What requests carry beside a review or a judgement."""

from typing import Annotated

import msgspec


class Explanation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why something is put off, declined, flagged or reopened; empty puts it off."""

    reason: Annotated[str, msgspec.Meta(max_length=2000)] = ""
