"""Every route, asked by everybody, in a world in which each column has a text of its own.

A route declares its audience and the texts that it shows, a table its readers, a column what it
holds. Whom a marked text reaches, and by which route, shows where they are wrong.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from litestar.testing import TestClient

from monitor.settings import Configuration, Secrets
from monitor.store.tables.facts import columns_of, facts_of, table_names
from monitor.table_types.contents import Content, Reader
from monitor.web import current_user
from monitor.web.access.audience import Audience
from tests.support.database_copy import database_copy
from tests.support.places import wrong_words
from tests.support.web.apps import create_app
from tests.support.web.marked_world import (
    MARKED_CONTENTS,
    UNMARKED,
    WITHOUT_TEXT,
    make_marked_world,
    mark,
)
from tests.support.web.route_replies import (
    MISSING,
    TOKEN,
    Crowd,
    DeclaredRoute,
    Reply,
    declared_routes,
)
from tests.support.web.route_table import PUBLIC, WITH_TOKEN

ROLES: dict[str, Reader] = {"Ada": "reviewer", "Cleo": "adjudicator", "Lea": "lead", "Max": "admin"}
#: The least visitor of each audience.
LEAST = {
    Audience.EVERYBODY: "", Audience.PROGRAMS: "program", Audience.USERS: "Nora",
    Audience.REVIEWERS: "Ada", Audience.ADJUDICATORS: "Cleo", Audience.LEADS: "Lea",
}  # fmt: skip
#: Their reply to everybody is a refusal, or leads to the page of the sign-in.
SIGN_IN = {"/", "/login", "/logout", "/api/login", "/login/sso", "/login/sso/callback"}
#: Files that the world lacks.
WITHOUT_FILE = {
    "/runs/{run_id:int}/log.txt",
    "/candidate-evaluations/{candidate_evaluation_id:int}/responses",
}
#: Tables whose texts no page shows in this world: their readers stay unproved.
UNSEEN = {
    "audit_log", "human_evaluations", "invitations", "model_versions", "probe_runs", "probe_sets",
    "probes", "registry_mirrors", "review_audits", "review_batches", "review_messages",
    "review_proposals", "rollout_comparisons", "rollout_labels", "rollout_looks",
    "rollout_observations", "unlisted_exchanges",
}  # fmt: skip
#: Number of queries that a page sends twice, as its parts are made for other places too.
ASKED_TWICE = {
    # The state of a decision and the rates by week each know the versions.
    "/digest": 3, "/drift-evaluations/{evaluation_id:int}": 3,
    # Messages for the incident's present and for its peak, and what follows from it.
    "/incidents/{incident_id:int}": 8,
    "/progress": 2, "/runs/{run_id:int}/start": 1,
    # Each reading of the key checks that ratings have ended.
    "/human-evaluations/{human_evaluation_id:int}/ratings": 1,
    "/human-evaluations/{human_evaluation_id:int}/rate": 2,
}  # fmt: skip
END_USERS = {Content.END_USER_ID, Content.END_USER_TEXT}


@dataclass
class Walk:
    """The replies of all routes to all visitors."""

    routes: list[DeclaredRoute]
    replies: list[Reply]
    #: Columns that have their marker, and those whose words are no words of the program.
    marked: set[tuple[str, str]]
    wrong_words: list[str]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Walk]:
    """Ask every route as everybody; nothing is withheld for the sake of blind reviews."""
    clock = datetime(2026, 11, 2, tzinfo=UTC)
    folder = tmp_path_factory.mktemp("walk")
    settings = Configuration(models={"assistant": {}, "other": {}})
    secrets = Secrets(driftwarden_verdict_token=TOKEN)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(current_user, "blind_models", lambda *_, **__: {})
        engine = stack.enter_context(database_copy(sqlite_template, folder / "walk.db"))
        items = make_marked_world(engine, clock, folder)
        app = create_app(engine, settings, secrets, clock=lambda: clock)
        client = stack.enter_context(TestClient(app, raise_server_exceptions=False))
        crowd = Crowd.sign_in(client, engine)
        wrong = wrong_words(engine)
        marked = mark(engine, clock)
        routes = declared_routes(app)
        yield Walk(routes, list(crowd.ask(routes, items)), marked, wrong)


def test_every_route_declares_its_audience(walk: Walk) -> None:
    assert [route for route in walk.routes if route.audience is None] == []


def test_no_reply_is_an_error_of_the_server(walk: Walk) -> None:
    assert [str(reply) for reply in walk.replies if reply.status == 500] == []


def test_nobody_gets_a_reply_beyond_the_audience(walk: Walk) -> None:
    assert [
        str(reply)
        for reply in walk.replies
        if not reply.is_refusal and not reply.route.is_for(reply.visitor)
    ] == []


def test_few_routes_are_for_everybody_or_for_programs(walk: Walk) -> None:
    paths = defaultdict(set)
    for route in walk.routes:
        paths[route.audience].add(route.path)
    assert paths[Audience.EVERYBODY] == PUBLIC
    assert paths[Audience.PROGRAMS] == WITH_TOKEN


def test_visitors_without_sign_in_are_led_there(walk: Walk) -> None:
    for reply in walk.replies:
        if not reply.visitor and reply.route.path not in PUBLIC | WITH_TOKEN:
            if reply.address.startswith("/api/"):
                assert reply.status == 401, str(reply)
            else:
                assert (reply.status, reply.location[:12]) == (303, "/login?next="), str(reply)


def test_the_least_of_the_audience_gets_a_reply(walk: Walk) -> None:
    replied = {
        (reply.route.method, reply.route.path, reply.visitor)
        for reply in walk.replies
        if not reply.is_refusal
    }
    assert [
        f"{route.method} {route.path}: {route.audience!r}"
        for route in walk.routes
        if route.path not in SIGN_IN | WITHOUT_FILE
        and (route.method, route.path, LEAST[route.audience]) not in replied
    ] == []


def test_no_page_asks_the_database_twice(walk: Walk) -> None:
    """A page asks for each thing once: what one part has read, the others are given."""
    n_repeated: dict[str, int] = defaultdict(int)
    for reply in walk.replies:
        if reply.route.method == "GET" and reply.repeated:
            path = reply.route.path
            n_repeated[path] = max(n_repeated[path], len(reply.repeated))
    assert n_repeated == ASKED_TWICE


def test_objects_of_others_are_as_if_missing(walk: Walk) -> None:
    replies = defaultdict(list)
    for reply in walk.replies:
        if reply.route.is_of_others(reply.visitor):
            replies[reply.visitor, reply.route].append(reply)
    for *refused, missing in replies.values():
        for reply in refused:
            assert reply.status == missing.status, str(reply)
            number = re.findall(r"/(\d{1,2})\b", reply.address)[0]
            same = re.sub(rf"\b{number}\b", str(MISSING), reply.text)
            assert same == re.sub(rf"\b{number}\b", str(MISSING), missing.text), str(reply)
    assert len(replies) > 150


def test_refusals_change_nothing(walk: Walk) -> None:
    assert [
        str(reply)
        for reply in walk.replies
        if reply.is_refusal and reply.changed and reply.route.path not in SIGN_IN
    ] == []


def test_texts_reach_readers_of_their_tables_only(walk: Walk) -> None:
    wrong = {}
    for reply in walk.replies:
        role = ROLES.get(reply.visitor)
        for table, column in reply.marks:
            readers = facts_of(table).readers if role else ()
            # Of their own account, every user sees the name.
            if role not in readers and (reply.visitor in {"", "program"} or table != "users"):
                wrong[f"{reply.visitor}: {table}.{column}"] = str(reply)
    assert wrong == {}


def test_routes_show_no_texts_but_those_they_declare(walk: Walk) -> None:
    wrong = {}
    for reply in walk.replies:
        texts = reply.route.texts
        for table, column in reply.marks:
            content = columns_of(table)[column].content
            if (content in END_USERS and not (texts and texts.kind)) or (
                content is Content.STAFF_WORDS and texts is None
            ):
                wrong[f"{reply.route.method} {reply.route.path}: {table}.{column}"] = str(reply)
    assert wrong == {}


def test_routes_show_the_texts_that_they_declare(walk: Walk) -> None:
    showing = {
        reply.route.path
        for reply in walk.replies
        for table, column in reply.marks
        if columns_of(table)[column].content in {*END_USERS, Content.STAFF_WORDS}
    }
    declaring = {route.path for route in walk.routes if route.texts and route.method == "GET"}
    assert declaring - WITHOUT_FILE == declaring & showing


def test_texts_of_end_users_leave_an_entry(walk: Walk) -> None:
    wrong = []
    for reply in walk.replies:
        contents = {columns_of(table)[column].content for table, column in reply.marks}
        texts = reply.route.texts
        if not END_USERS.isdisjoint(contents) and reply.n_reads != 1:
            wrong.append(str(reply))
        if reply.n_reads and not (texts and texts.kind):
            wrong.append(str(reply))
    assert wrong == []


def test_tables_are_read_by_the_readers_that_they_declare(walk: Walk) -> None:
    seen = defaultdict(set)
    for reply in walk.replies:
        for table, _ in reply.marks:
            seen[table].add(ROLES.get(reply.visitor))
    unseen = {
        table
        for table, _ in walk.marked
        if facts_of(table).readers[0] != "operator"
        and facts_of(table).readers[0] not in seen[table]
    }
    assert unseen == UNSEEN


def test_every_column_with_personal_data_is_marked(walk: Walk) -> None:
    unmarked = {
        f"{table}.{column}"
        for table in table_names()
        for column, facts in columns_of(table).items()
        if facts.content in MARKED_CONTENTS
        and (table, column) not in walk.marked | WITHOUT_TEXT
        and table not in UNMARKED
    }
    assert unmarked == set()


def test_words_of_fixed_lists_are_words_of_the_program(walk: Walk) -> None:
    assert walk.wrong_words == []
