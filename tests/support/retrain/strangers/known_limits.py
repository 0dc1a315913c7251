"""Cheats that the evaluation still promotes, and honest twins that it holds back."""

PROMOTED = (
    # Long random text hides that items are repeated.
    "ten new requests, each with long random signatures",
    # Invisible signs of a prompt aren't read as hints.
    "invisible signs in new prompts tell the label",
    # A disguise that no rule undoes hides a leak.
    "trained on new items with a filler between words",
    "trained on new items, one letter changed per word",
    "trained on new items cut into two turns",
    "trained on new items with synonyms",
    "trained on new items in separate halves",
)

HELD_BACK = (
    # A copy of the prompt names both decisions, so that the benchmark can't fail.
    "a decider that always names its decision",
    "an assistant that refuses and offers a lawful way",
)
