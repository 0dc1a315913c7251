"""Table of the actions: complete for the buttons, the menus and the app's manifest."""

from pathlib import Path

import yaml

from monitor.daemon.actions.table import ACTIONS, SNOOZES, WORKING_DAY
from monitor.daemon.readiness.slack_buttons import NEEDED_SCOPES
from monitor.rendering import buttons
from monitor.store.owners import KINDS

ROOT = Path(__file__).resolve().parents[3]


def test_each_button_leads_to_an_action() -> None:
    posted = {"acknowledge", "take_over", "snooze", buttons.retraining_button(1)["action_id"]}
    # Which of them a rollout's message has: test_rollout_messages.py.
    posted |= {f"{step}_rollout" for step in ("pause", "resume", "advance", "revert")}
    following = {action.next_button[0] for action in ACTIONS.values() if action.next_button}
    assert posted | following == set(ACTIONS)
    assert {action.subject for action in ACTIONS.values()} <= set(KINDS)


def test_each_choice_of_the_menu_is_known() -> None:
    assert set(buttons.SNOOZES) == {*SNOOZES, WORKING_DAY}
    options = buttons.menu("snooze", "Snooze", buttons.SNOOZES, buttons.Target("incident:1", 1))
    assert all(len(option["text"]["text"]) <= 75 for option in options["options"])


def test_manifest_asks_for_all_that_buttons_need() -> None:
    manifest = yaml.safe_load((ROOT / "deploy/slack/manifest.yaml").read_text(encoding="utf-8"))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) >= NEEDED_SCOPES
    assert manifest["settings"]["socket_mode_enabled"]
    assert manifest["settings"]["interactivity"]["is_enabled"]
