"""A model hub that doesn't respond is asked once, and models on this machine are read."""

import logging
import socket
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from monitor import model_hub as hub
from monitor.errors import ModelError
from retrain.models.base_model import BaseModel, load_tokenizer
from retrain.planning.memory.model_shape import model_shape
from retrain.recipes.recipe import Recipe
from tests.support.refusals import refusal
from tests.support.retrain.templates import MARKED, save_tokenizer

pytestmark = pytest.mark.language_model


class Hub:
    """A server that counts HEAD requests; it gives each the same response, or none.

    The hub's library has a GET request of its own, once per process and without a repetition.
    """

    def __init__(self, response: bytes = b"") -> None:
        self.n_requests = 0
        self._response = response
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.n_requests += connection.recv(65536).startswith(b"HEAD ")
            if self._response:
                connection.sendall(self._response)
                connection.close()
            else:
                self._open.append(connection)

    def close(self) -> None:
        self._server.close()
        for connection in self._open:
            connection.close()


NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the hub's models on this machine, here an empty one."""
    from huggingface_hub import constants

    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "_last", None)
    monkeypatch.setattr(hub, "PATIENCE_SECONDS", 0.2)
    return folder


@pytest.fixture(params=[b"", NOT_FOUND], ids=["silent", "responds"])
def server(
    request: pytest.FixtureRequest, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hub]:
    from huggingface_hub import constants

    made = Hub(request.param)
    monkeypatch.setattr(constants, "ENDPOINT", made.address)
    yield made
    made.close()


silent = pytest.mark.parametrize("server", [b""], ids=["silent"], indirect=True)
responding = pytest.mark.parametrize("server", [NOT_FOUND], ids=["responds"], indirect=True)


@silent
def test_silent_hub_is_asked_once(server: Hub, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        with refusal("", ModelError, match=f"no folder here.*{server.address}"):
            load_tokenizer(BaseModel("org/none", ""))
    with refusal("", ModelError, match="org/none"):
        model_shape(Recipe(base="org/none"))
    assert server.n_requests == 1
    assert not [record for record in caplog.records if "etry" in record.getMessage()]


@silent
def test_model_of_this_machine_is_read_without_the_hub(server: Hub, cache: Path) -> None:
    commit = "0" * 40
    model = cache / "models--org--tiny"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text(commit)
    save_tokenizer(model / "snapshots" / commit, MARKED)
    for revision in ("", commit):
        assert load_tokenizer(BaseModel("org/tiny", revision)).chat_template == MARKED
    assert server.n_requests == 1


@responding
def test_hub_that_responds_is_asked_for_the_model(
    server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer

    only_here: list[bool] = []

    def load(_: str, *, revision: str | None, local_files_only: bool) -> None:
        only_here.append(local_files_only)
        raise OSError("not found")

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", load)
    with refusal("", ModelError, match="as a model of the hub: not found"):
        load_tokenizer(BaseModel("org/none", ""))
    with refusal("", ModelError, match="isn't on this machine"):
        load_tokenizer(BaseModel("org/none", ""), download=False)
    assert (only_here, hub.hub_problem(), server.n_requests) == ([False, True], "", 1)


def test_outcome_counts_for_a_minute(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [bool(hub.hub_problem()) for _ in range(3)]
    assert len({*problems}) == server.n_requests == 1
    monkeypatch.setattr(hub, "VALID_SECONDS", 0.0)
    hub.hub_problem()
    assert server.n_requests == 2


def test_child_is_offline_where_the_hub_is_silent(server: Hub) -> None:
    from huggingface_hub import constants

    hub.be_offline_without_hub()
    assert constants.is_offline_mode() == bool(hub.hub_problem())
    assert hub.reads_locally("org/none") == bool(hub.hub_problem())
    assert hub.reads_locally("/")


@silent
def test_each_line_of_the_library_is_logged_once(
    server: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    logger: Any = logging.getLogger("huggingface_hub")
    own = logging.StreamHandler(StringIO())
    logger.addHandler(own)
    try:
        hub.hub_problem()
        logging.getLogger("huggingface_hub.utils").warning("once")
    finally:
        logger.removeHandler(own)
    assert own.stream.getvalue() == ""
    assert [record.getMessage() for record in caplog.records].count("once") == 1
    assert server.n_requests == 1
