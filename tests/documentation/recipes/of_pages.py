"""Recipes for what users are shown: pages, sentences in Slack, causes of incidents."""

from tests.documentation.recipes.recipe import Edit, Mistake, Recipe, before

PAGE_MODULE = '''"""The page of the calendar."""

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from monitor.web.access.audience import LEADS
from monitor.web.current_user import Visit


@get("/calendar", sync_to_thread=True, opt=LEADS)
def calendar(lead_visit: NamedDependency[Visit]) -> Template:
    """Show the calendar of the models that a user leads."""
    return lead_visit.page("calendar.html", {"today": lead_visit.now})


HANDLERS = (calendar,)
'''
TEMPLATE = """{% extends "base.html" %}
{% block title %}Calendar · driftwarden{% endblock %}
{% block main %}
<div class="page"><h1>Calendar{{ of_model }}</h1><p>{{ today|minute }}</p></div>
{% endblock %}
"""
SNAPSHOT = """# name: test_snapshot_of_pages_without_data[/calendar]
  '''
  Calendar
  2 Nov 2026, 00:00 UTC
  '''
# ---
"""
APP, MODULE = "monitor/daemon/web_app.py", "monitor/web/calendar/calendar_page.py"
PAGE = Recipe(
    title="A page, or a route of the API",
    edits=(
        Edit("monitor/web/calendar/__init__.py", '"""The calendar."""\n'),
        Edit(MODULE, PAGE_MODULE),
        Edit("monitor/web/calendar/templates/calendar.html", TEMPLATE),
        before(
            APP,
            "from monitor.web.candidates import",
            "from monitor.web.calendar import calendar_page\n",
        ),
        before(APP, "            *digest_page.HANDLERS,", "            *calendar_page.HANDLERS,\n"),
        before(
            "monitor/web/navigation.py",
            '        NavigationEntry("/decisions"',
            '        NavigationEntry("/calendar", "Calendar", leads),\n',
        ),
        before(
            "tests/integration/web/test_pages_snapshot.py",
            '        "/digest",\n',
            '        "/calendar",\n',
        ),
        before(
            "tests/integration/web/__snapshots__/test_pages_snapshot.ambr",
            "# name: test_snapshot_of_pages_without_data[/candidate-evaluations]",
            SNAPSHOT,
        ),
    ),
    commands=("make snapshots",),
    tests=(
        "tests/integration/web/test_every_route.py",
        "tests/integration/web/test_pages_snapshot.py",
        "tests/unit/web/test_assets.py",
    ),
    mistake=Mistake(MODULE, "GET /calendar", text=PAGE_MODULE.replace("lead_visit", "visit")),
    own=frozenset({"tests/integration/web/__snapshots__/test_pages_snapshot.ambr"}),
    other={
        "monitor/store/owners.py": "a path parameter with the id of a row",
        "monitor/web/access/audience.py": "what a route declares",
        "tests/support/web/route_replies.py": "a route that needs a query",
        "retrain/rollout/pages/": "a page of rollouts",
    },
)
MESSAGE = "monitor/alerts/messages/incident.py"
SNAPSHOTS = "tests/unit/alerts/__snapshots__"
SENTENCES = f"{SNAPSHOTS}/test_sentences_snapshot.ambr"
SENTENCE = Recipe(
    title="A sentence in Slack",
    edits=(
        Edit(MESSAGE, "*Strongest single cases: ", "*Strongest outliers: "),
        *(
            Edit(
                f"{SNAPSHOTS}/test_messages_snapshot.ambr",
                f"Strongest single cases: {noun}",
                f"Strongest outliers: {noun}",
            )
            for noun in ("prompts", "responses")
        ),
        Edit(SENTENCES, "Strongest single cases", "Strongest outliers"),
    ),
    commands=("make snapshots",),
    tests=(
        "tests/unit/alerts/test_messages_snapshot.py",
        "tests/unit/alerts/test_sentences_snapshot.py",
    ),
    mistake=Mistake(SENTENCES, "Strongest single cases"),
    own=frozenset({f"{SNAPSHOTS}/test_messages_snapshot.ambr", SENTENCES}),
    other={
        "retrain/rollout/messages/": "a sentence about a rollout",
        "retrain/rollout/wording/": "a sentence about a rollout",
        "monitor/alerts/present_text.py": "a sentence of an incident's message",
        "monitor/rendering/mrkdwn.py": "what texts of traffic go through",
        "tests/unit/alerts/test_markup.py": "a text that comes from outside",
    },
)
CONDITION = '''def drafts_untouched(check: ConditionCheck[Settings]) -> Result:
    """Hold while open review items are untouched for three days."""
    return queue_not_worked(check)


'''
RUNBOOK = """# Drafts untouched

**Level: warning.** Users are not affected. Drafts of reviews are open, and nobody has worked on
them.

## What it means

Their slots are reserved.

## What to look at

- The progress page.

## What to do

1. Remind the reviewers: `driftwarden review queue`.
"""
EXAMPLES = "tests/support/alerts/messages_page.py"
CASES = "tests/integration/daemon/test_conditions.py"
SUBJECTS = "monitor/settings/alerts.py"
MESSAGES = "tests/unit/alerts/test_incident_messages.py"
CAUSE = Recipe(
    title="A cause of incidents",
    edits=(
        before(
            "monitor/alerts/causes.py",
            '    Cause(\n        name="rollout_reverted",',
            '    Cause(\n        name="drafts_untouched",\n        level="warning",\n'
            '        title="Drafts untouched",\n'
            '        users="Users are not affected.",\n'
            '        next_steps=("• Ask the reviewers: `driftwarden review queue`.",),\n    ),\n',
        ),
        before(SUBJECTS, '    "rollout_reverted",\n', '    "drafts_untouched",\n'),
        before("monitor/daemon/conditions/of_models.py", "#: By cause.\nOF_MODELS", CONDITION),
        before(
            "monitor/daemon/conditions/of_models.py",
            '    "served_model_changed": served_model_changed,',
            '    "drafts_untouched": drafts_untouched,\n',
        ),
        Edit("docs/runbooks/drafts-untouched.md", RUNBOOK),
        before(
            CASES,
            '    "queue_not_worked": Case(',
            '    "drafts_untouched": Case(leave_queue, review_item),\n',
        ),
        before(EXAMPLES, '    "training_failed":', '    "drafts_untouched": "Untouched.",\n'),
        before(
            SENTENCES,
            "  Rollout reverted\n",
            "  Drafts untouched\n  Users are not affected.\n"
            "  • Ask the reviewers: `driftwarden review queue`.\n",
        ),
    ),
    commands=("make docs", "make snapshots"),
    tests=(
        CASES,
        "tests/unit/alerts/test_causes.py",
        "tests/unit/alerts/test_channels.py",
        # What all causes go through; the other tests of the file have causes of their own.
        f"{MESSAGES}::test_every_cause_in_every_state_is_short",
        f"{MESSAGES}::test_no_message_or_event_has_doubled_punctuation",
    ),
    own=frozenset({SENTENCES}),
    mistake=Mistake(SUBJECTS, "to Subject in monitor/settings/alerts.py"),
    other={
        "retrain/rollout/jobs/conditions.py": "a condition of rollouts",
        "monitor/store/alerts/condition_facts.py": "a query of its own",
        "tests/unit/alerts/test_sentences_snapshot.py": "rewritten by make snapshots",
    },
)
