"""Pages for whoever extends driftwarden, in a copy of the source."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.documentation.blocks import ROOT, blocks_of
from tests.documentation.page import Page, Site

#: What the page's tests need of the source.
COPIED = ("config.toml", "pyproject.toml", "docs", "driftwarden", "monitor", "retrain", "tests")
FORMATS = Path("monitor/traffic/formats")
#: Tests of the new format, and of the places that name it.
NAMED = "acme or settings_and_the_table or comment_in_config"


def add_the_format(site: Site) -> None:
    """Do what the page says with its four blocks, and run the tests that it names."""
    record, module, line, tests = (block.text for block in blocks_of(ADD_A_FORMAT.path))
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, site.folder / name)
    (site.folder / FORMATS / "acme.py").write_text(module, encoding="utf-8")
    (site.folder / "tests/fixtures/traffic/acme.json").write_text(record, encoding="utf-8")
    register(site.folder / FORMATS / "__init__.py", line)
    name_it(site.folder / "monitor/settings/traffic.py", '"mapped"]')
    name_it(site.folder / "config.toml", '"mapped"')
    tested = site.folder / "tests/unit/traffic/formats/test_formats.py"
    with tested.open("a", encoding="utf-8") as file:
        file.write(f"\n\n{tests}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", NAMED, tested],
        cwd=site.folder,
        env={**site.environment, "PYTHONPATH": str(site.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert "6 passed" in done.stdout, done.stdout[-4000:]


def name_it(path: Path, last: str) -> None:
    """Add the name to a list of all names, before the last."""
    text = path.read_text(encoding="utf-8")
    assert last in text
    path.write_text(text.replace(last, f'"acme", {last}', 1), encoding="utf-8")


def register(path: Path, line: str) -> None:
    """Import the module, and put its line before the other formats."""
    text = path.read_text(encoding="utf-8")
    text = text.replace(
        "from monitor.traffic.formats import ", "from monitor.traffic.formats import acme, ", 1
    )
    before, opened, after = text.partition("FORMATS: ")
    head, brace, rest = after.partition("{\n")
    path.write_text(f"{before}{opened}{head}{brace}    {line}{rest}", encoding="utf-8")


ADD_A_FORMAT = Page(
    "how-to/add-a-format.md",
    listed={
        '"""Acme\'s gateway': "a module of its own: the test writes it where the page says",
        '"acme": Format': "a line of a module: the test puts it where the page says",
        "from tests.support.traffic.fixture_files": "a test: pytest runs it in the copy",
    },
    prepare=add_the_format,
)

ADD_A_GATEWAY = Page(
    "how-to/add-a-gateway.md",
    listed={"class TestAcme": "the reader's gateway and its server; the kit runs against five"},
)

PAGES = (ADD_A_FORMAT, ADD_A_GATEWAY)
