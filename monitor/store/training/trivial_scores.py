"""Stored scores of the best trivial system, as a part of a candidate's results."""

import msgspec


class TrivialScore(msgspec.Struct, frozen=True):
    """The best mean that a trivial system reaches on a stratum, by a metric."""

    benchmark: str
    #: As in the scores of systems: ``""`` (all items), ``split=new`` or another field.
    stratum: str
    metric: str
    #: What the system responds, in words.
    system: str
    value: float
    n: int
