"""Cheats that the evaluation still promotes, and honest twins that it holds back."""

PROMOTED = ()

HELD_BACK = (
    # A copy of the prompt passes, and so would "approve" for all: the file measures a form only.
    "a decider that always names its decision",
    "an assistant that refuses and offers a lawful way",
)
