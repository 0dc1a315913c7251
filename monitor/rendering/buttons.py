"""Blocks of buttons, and the values that they carry."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.rendering.mrkdwn import Block

#: Choice of a menu, if there is one, subject and version.
VALUE = re.compile(
    r"(?:(?P<choice>[a-z0-9_]{1,20}) )?"
    r"(?P<subject>[a-z_]{1,30}:[1-9][0-9]{0,17}):(?P<version>[0-9]{1,9})"
)

#: A button that only opens its address. Slack sends a press of it too.
LINK = "open_queue"

#: Choice of the menu of snoozing -> label.
SNOOZES = {
    "1h": "1 hour",
    "4h": "4 hours",
    "1d": "1 day",
    "working_day": "Until the next working day, 08:00 UTC",
}


@dataclass(frozen=True)
class Target:
    """The target of a button, as it was when the button was posted."""

    #: ``incident:ID``, ``decision:ID`` or ``rollout:ID``.
    subject: str
    version: int
    #: Of a menu.
    choice: str = ""

    def __str__(self) -> str:
        """Return the value of a button."""
        target = f"{self.subject}:{self.version}"
        return f"{self.choice} {target}" if self.choice else target


def parse_value(value: str) -> Target | None:
    """Return the target of a button's value; ``None`` where the value is not ours."""
    match = VALUE.fullmatch(value)
    if match is None:
        return None
    return Target(match["subject"], int(match["version"]), match["choice"] or "")


def button(action: str, label: str, target: Target, *, style: str = "", confirm: str = "") -> Block:
    """Return a button.

    The action is a name in the table of actions; the style is ``primary``, ``danger`` or empty.
    Before the press counts Slack asks ``confirm``, a question; empty: none.
    """
    element: Block = {
        "type": "button",
        "action_id": action,
        "text": {"type": "plain_text", "text": label},
        "value": str(target),
    }
    if style:
        element["style"] = style
    if confirm:
        element["confirm"] = {
            "title": {"type": "plain_text", "text": f"{label}?"},
            "text": {"type": "plain_text", "text": confirm},
            "confirm": {"type": "plain_text", "text": label},
            "deny": {"type": "plain_text", "text": "Cancel"},
        }
    return element


def link_button(label: str, url: str) -> Block:
    """Return a button that opens an address."""
    text = {"type": "plain_text", "text": label}
    return {"type": "button", "action_id": LINK, "text": text, "url": url}


def menu(action: str, label: str, choices: dict[str, str], target: Target) -> Block:
    """Return a menu: each of its choices is an action."""
    return {
        "type": "static_select",
        "action_id": action,
        "placeholder": {"type": "plain_text", "text": label},
        "options": [
            {
                "text": {"type": "plain_text", "text": text},
                "value": str(Target(target.subject, target.version, choice)),
            }
            for choice, text in choices.items()
        ],
    }


def retraining_button(decision_id: int) -> Block:
    """Return the button that shows the data of a recommended retraining, to confirm it.

    A decision has one version: a recommendation is final.
    """
    return button("show_retraining", "Confirm retraining …", Target(f"decision:{decision_id}", 0))


def action_block(elements: Sequence[Block]) -> Block:
    """Return the block of some buttons and menus."""
    return {"type": "actions", "elements": list(elements)}
