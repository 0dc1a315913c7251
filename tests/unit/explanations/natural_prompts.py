"""Prompts of made-up customers of a bank, a travel agency and a kitchen."""

import random

OPENINGS = (
    *("how do i", "can you", "please", "i want to", "could you", "help me", "what happens if i"),
    *("is it possible to", "where can i", "i need to", "tell me how to", "when should i"),
    *("why can't i", "hi, can i", "would you", "do i have to", "may i", "who can", "let me", ""),
)
ACTIONS = (
    *("block", "replace", "open", "close", "check", "book", "cancel", "move", "find", "pay"),
    *(
        "report",
        "share",
        "print",
        "renew",
        "freeze",
        "upgrade",
        "compare",
        "track",
        "cook",
        "reheat",
    ),
)
OBJECTS = (
    *("my card", "an account", "the last payment", "a flight to rome", "two hotel rooms"),
    *("the standing order", "my luggage", "a loan", "the soup", "a rental car", "my pin code"),
    *("this invoice", "the booking", "rice with beans", "my travel insurance", "the credit limit"),
    *("a table for six", "an old statement", "the exchange rate", "my frequent flyer points"),
)
ENDINGS = (
    *("", "", "", "", "today", "for my wife", "before friday", "online", "without a fee", "again"),
    *("from abroad", "in the app", "this week", "by phone", "next month", "right now", "at home"),
)


def make_prompts(n: int, seed: int) -> list[str]:
    """Return prompts in lower case without signs at the end."""
    rng = random.Random(seed)
    parts = (OPENINGS, ACTIONS, OBJECTS, ENDINGS)
    return [" ".join(filter(None, map(rng.choice, parts))) for _ in range(n)]
