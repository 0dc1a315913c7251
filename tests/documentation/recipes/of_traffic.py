"""Recipes for what traffic has: a format, a column of an exchange, a descriptor."""

from tests.documentation.blocks import DOCS, blocks_of
from tests.documentation.recipes.recipe import Edit, Mistake, Recipe, before

RECORD, MODULE, LINE, TESTS = (
    block.text for block in blocks_of(DOCS / "how-to" / "add-a-format.md")
)
FORMATS = "monitor/traffic/formats/__init__.py"
FORMAT_PAGE = "docs/reference/traffic-formats.md"
FORMAT = Recipe(
    title="A format of traffic",
    edits=(
        Edit("monitor/traffic/formats/acme.py", MODULE),
        before(FORMATS, "litellm, mapped, openai", "acme, "),
        before(FORMATS, '    "mapped": Format(', f"    {LINE}"),
        before("monitor/settings/traffic.py", '"mapped"]', '"acme", '),
        before("config.toml", 'or "mapped"', '"acme", '),
        Edit("tests/fixtures/traffic/acme.json", RECORD),
        before(
            FORMAT_PAGE, "| [`mapped`](#mapped) |", "| [`acme`](#acme) | `session` and `turns` |\n"
        ),
        before(
            FORMAT_PAGE,
            "## `mapped`\n",
            f"## `acme`\n\nOne record per session:\n\n```json\n{RECORD}```\n\n",
        ),
        Edit("tests/unit/traffic/formats/test_formats.py", f"\n\n{TESTS}"),
    ),
    commands=("make docs",),
    tests=(
        "tests/unit/traffic/formats/test_formats.py",
        "tests/unit/traffic/formats/test_documented_formats.py",
    ),
    mistake=Mistake("config.toml", "config.toml"),
    other={"docs/how-to/add-a-format.md": "the recipe in full, whose blocks are the edits"},
)
COLUMN = Recipe(
    title="A column of an exchange",
    edits=(
        before("monitor/traffic/exchange.py", "\n\nLABELS = Labels", '    region: str = ""\n'),
        before(
            "monitor/store/traffic/exchange_columns.py",
            '    #: ``[{"role", "content"}, ...]``\n    messages',
            '    regions: Sequence[str] = column("region", "content", default="")\n',
        ),
        before(
            "monitor/store/tables/traffic.py",
            '    #: ``[{"role", "content"}, ...]``\n    messages',
            '    region: Mapped[str] = mapped_column(\n        default="", '
            "server_default=text(\"''\"), info=contents.END_USER_TEXT\n    )\n",
        ),
        before("docs/reference/formats.md", "| `user` | text or", "| `region` | text | empty |\n"),
    ),
    commands=("make migration", "make docs"),
    tests=(
        "tests/integration/traffic/test_columns.py",
        "tests/unit/store/tables/test_facts.py",
        "tests/unit/traffic/formats/test_documented_formats.py",
    ),
    mistake=Mistake(
        "monitor/store/traffic/exchange_columns.py",
        "give each a default in monitor/store/traffic/exchange_columns.py",
        text='    regions: Sequence[str] = column("region", "content")\n'
        '    #: ``[{"role", "content"}, ...]``\n    messages',
    ),
    other={
        "monitor/traffic/formats/plain.py": "a key that isn't the name of the label",
        "monitor/traffic/formats/mapped.py": "a path of the format `mapped`",
        "config.toml": "a path of the format `mapped`",
    },
)
SURFACE = "monitor/descriptors/catalogue.py"
DESCRIPTOR = Recipe(
    title="A descriptor",
    edits=(
        Edit(
            "monitor/descriptors/surface.py",
            "\n\ndef exclamation(text: str) -> float:\n"
            '    """Return whether the text contains an exclamation mark."""\n'
            '    return float("!" in text)\n',
        ),
        before(SURFACE, "    line_count,\n", "    exclamation,\n"),
        before(
            SURFACE,
            '    Descriptor(name="questions"',
            '    Descriptor(name="exclamations", function=exclamation, of="prompt"),\n',
        ),
        before(
            "docs/explanation/statistics.md",
            "| questions | prompt |",
            "| exclamations | prompt | an exclamation mark |\n",
        ),
    ),
    tests=("tests/unit/test_listed_measures.py",),
    mistake=Mistake("docs/explanation/statistics.md", "to docs/explanation/statistics.md"),
    other={
        "monitor/windows/comparison/prompt_covariates.py": "what follows for tests of drift",
        "tests/statistics/windows": "levels and power with one more descriptor, in hours",
        "make bench AREA=drift": "levels and power with one more descriptor, in hours",
    },
)
