"""Items in every state, reached through the workflow."""

from typing import Any

from tests.support.web.site import Site
from tests.support.web.support_desk import RIGHT

GOOD = {"accuracy": 5, "completeness": 5, "tone": 5, "compliance": 5}
POOR = {"accuracy": 1, "completeness": 2, "tone": 3, "compliance": 2}


def correction(text: str, kind: str = "knowledge") -> dict[str, Any]:
    return {
        "verdict": "correct",
        "error_kind": kind,
        "answerable": "facts_missing",
        "corrected_response": text,
        "comment": "The price list says otherwise.",
    }


def make_talk(site: Site) -> int:
    """Let two users disagree on the first item and discuss it; return it."""
    ada, ben = site.caller("Ada"), site.caller("Ben")
    item = int(ada("POST", "/api/items/claim")["item"])
    assert item == ben("POST", "/api/items/claim")["item"]
    theirs = RIGHT.replace("within one working day", "once the petrol station has answered")
    ada("POST", f"/api/items/{item}/review", {**correction(RIGHT), **POOR})
    ben(
        "POST",
        f"/api/items/{item}/review",
        {**correction(theirs, "judgement"), **POOR, "compliance": 4},
    )
    output = "The terms give us one working day, whatever the shop says: section 4.2."
    ada("POST", f"/api/items/{item}/messages", {"text": output})
    output = "You are right, that changed in November. Then the model couldn't have known either."
    ben("POST", f"/api/items/{item}/messages", {"text": output})
    ben("POST", f"/api/items/{item}/resolution", correction(RIGHT))
    return item


def make_states(site: Site) -> dict[tuple[str, str], int]:
    """Return an item for each pair of user and state."""
    ada, ben, cleo, lea = (site.caller(name) for name in ("Ada", "Ben", "Cleo", "Lea"))

    def both(first: dict[str, Any], second: dict[str, Any]) -> int:
        item = int(ada("POST", "/api/items/claim")["item"])
        assert item == ben("POST", "/api/items/claim")["item"]
        ada("POST", f"/api/items/{item}/review", first)
        ben("POST", f"/api/items/{item}/review", second)
        return item

    accepted = {"verdict": "accept", **GOOD}
    agreed = both(accepted, accepted)
    disagreed = both(accepted, {**correction("We refund it."), **POOR})
    ada("POST", f"/api/items/{disagreed}/messages", {"text": "I think that it is right as it is."})
    ben("POST", f"/api/items/{disagreed}/messages", {"text": "The terms changed on 1 November."})
    ben("POST", f"/api/items/{disagreed}/resolution", correction("We refund it."))
    escalated = both({**correction("Yes.", "tone"), **POOR}, {**correction("No."), **POOR})
    ada("POST", f"/api/items/{escalated}/escalation")
    decided = both(accepted, {**correction("We refund it at once."), **POOR})
    ada("POST", f"/api/items/{decided}/escalation")
    ruling = correction("We refund it within a day.")
    cleo("POST", f"/api/items/{decided}/adjudication", {**ruling, "cause": "guidelines_gap"})
    flagged = both(accepted, accepted)
    ada("POST", f"/api/items/{flagged}/flag", {"reason": "Personal data: an IBAN"})
    excluded = both(accepted, accepted)
    ada("POST", f"/api/items/{excluded}/flag", {"reason": "Out of scope"})
    lea("POST", f"/api/lead/items/{excluded}/confirm-flag")
    submitted = int(ada("POST", "/api/items/claim")["item"])
    assert submitted == ben("POST", "/api/items/claim")["item"]
    ada("POST", f"/api/items/{submitted}/review", {**correction("We do.", "unsafe"), **POOR})
    return {
        ("Ada", "gold"): agreed,
        ("Cleo", "audit"): agreed,
        ("Ben", "disagreed"): disagreed,
        ("Ada", "adjudication"): escalated,
        ("Cleo", "adjudication"): escalated,
        ("Lea", "gold"): decided,
        ("Lea", "flagged"): flagged,
        ("Ada", "flagged"): flagged,
        ("Ada", "excluded"): excluded,
        ("Ada", "submitted"): submitted,
        ("Ben", "open"): submitted,
    }
