"""Pages for whoever extends driftwarden."""

from tests.documentation.page import Page

ADD_A_FORMAT = Page(
    "how-to/add-a-format.md",
    listed={
        '"""Acme\'s gateway': "a module of its own: tests/documentation/test_recipes.py writes it",
        '"acme": Format': "a line of a module: tests/documentation/test_recipes.py writes it",
        "from tests.support.traffic.fixture_files": "tests/documentation/test_recipes.py runs it",
    },
)

ADD_A_GATEWAY = Page(
    "how-to/add-a-gateway.md",
    listed={"class TestAcme": "the reader's gateway and its server; the kit runs against five"},
)

PAGES = (ADD_A_FORMAT, ADD_A_GATEWAY)
