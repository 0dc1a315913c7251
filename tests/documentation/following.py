"""Follow a page: run its blocks as written, in order, in a fresh folder."""

import os
import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.documentation.blocks import ROOT, Block, Command, blocks_of, commands_of
from tests.documentation.page import RUN, Page, Site, nothing, of
from tests.documentation.shown_output import is_shown
from tests.documentation.terminal import Terminal

#: A daemon loads its encoder before it is ready: two minutes on a sixth of a core.
START_SECONDS = 300.0
#: Exit statuses after Ctrl-C: in good order, or by the signal.
ENDED = (0, 130, -signal.SIGINT)
#: The reader's shell: no setting of the test run, and no variable of another site.
PASSED_ON = ("HOME", "LANG", "TMPDIR")


@contextmanager
def at_site(page: Page, folder: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Make a fresh folder with the command, which `.venv/bin` and the path have."""
    folder.mkdir()
    (folder / ".venv").symlink_to(ROOT / ".venv")
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
        "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "COLUMNS": "120",
    }
    site = Site(folder, request, environment, dict(page.fill))
    environment["DRIFTWARDEN_WEB__PORT"] = str(site.port)
    yield site


def follow(page: Page, site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Follow a page; return what was run: the first lines of commands and blocks of Python.

    Raises:
        AssertionError: An exit status or an output isn't that of the page.
    """
    monkeypatch.chdir(site.folder)
    page.prepare(site)
    for name, value in site.environment.items():
        if name != "PYTHONPATH":
            monkeypatch.setenv(name, value)
    known = dict(site.environment)
    terminal = Terminal(site.folder, known)
    done = []
    try:
        for block in blocks_of(page.path):
            if block.language == "toml" and block.text.startswith(page.applied or ("\0",)):
                site.configure(site.filled(block.text))
            if block.language not in RUN or of(page.listed, block.text):
                continue
            steps = [Command(block.text, block.line)]
            if block.language != "python":
                steps = [
                    command for command in commands_of(block) if not of(page.listed, command.text)
                ]
            for step in steps:
                (of(page.before, step.text) or nothing)(site)
                terminal.export(_changed(site.environment, known))
                known = dict(site.environment)
                if block.language == "python":
                    _run_python(page, site, block)
                else:
                    _run_command(page, site, terminal, step)
                (of(page.after, step.text) or nothing)(site)
                done.append(step.text.splitlines()[0])
    finally:
        terminal.close()
    return done


def _changed(new: dict[str, str], old: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in new.items() if old.get(name) != value}


def _run_python(page: Page, site: Site, block: Block) -> None:
    origin = f"{page.name}, line {block.line}"
    code = compile(site.filled(block.text), origin, "exec")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a reader's Python makes no errors of them
        exec(code, site.names)


def _run_command(page: Page, site: Site, terminal: Terminal, command: Command) -> None:
    text = site.filled(command.text)
    where = f"{page.name}, line {command.line}: {text}"
    if check := of(page.services, command.text):
        _run_service(site, terminal, text, check)
        return
    status, output = terminal.run(text, page.seconds)
    site.outputs.append(output)
    assert status == (of(page.statuses, command.text) or 0), f"{where}\n{output}"
    if command.output is not None:
        assert is_shown(command.output, output), f"{where}\nshown:\n{command.output}\n{output}"


def _run_service(site: Site, terminal: Terminal, text: str, check: object) -> None:
    """Start what runs until Ctrl-C; look at it, and end it."""
    log = site.log = site.folder.with_name(f"{site.folder.name}-service.log")
    process = terminal.start(text, log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                check(site)  # type: ignore[operator]
                break
            except OSError:  # it doesn't listen yet
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) in ENDED, log.read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
