"""Cheats that the evaluation still promotes, and honest twins that it holds back."""

PROMOTED = ()

HELD_BACK = (
    # A copy of the prompt names both decisions, so that the benchmark can't fail.
    "a decider that always names its decision",
    "an assistant that refuses and offers a lawful way",
)
