"""Data sets from a real S3 server and a real web server, and their failures."""

import http.server
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.errors import DatasetUnavailableError, InputError
from monitor.settings.evaluation_file.plan import parse_plan
from retrain.data.benchmarks.dataset_file import read_dataset
from retrain.evaluation.benchmark import load_benchmarks
from tests.services.http_server import serving
from tests.support.refusals import refusal

LINES = b'{"id": "1", "messages": [{"role": "user", "content": "q"}], "expected": "a"}\n'
PLAN = "evaluation:\n  benchmarks: [{name: b, dataset: %s, metrics: [exact_match]}]\n"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return a bucket on a local S3 server, configured by environment variables."""
    import boto3
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    for name, value in {
        "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    client = boto3.client("s3", endpoint_url=url)
    client.create_bucket(Bucket="models")
    client.put_object(Bucket="models", Key="benchmarks/safety.jsonl", Body=LINES)
    yield "s3://models/benchmarks"
    client.close()
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_a_data_set_comes_from_s3(bucket: str, tmp_path: Path) -> None:
    assert read_dataset(f"{bucket}/safety.jsonl", tmp_path) == LINES
    plan = parse_plan(PLAN % f"{bucket}/safety.jsonl", tmp_path / "evaluation.yaml")
    (benchmark,) = load_benchmarks(plan)
    assert [item.id for item in benchmark.items] == ["1"]


def test_what_is_not_there_is_said_with_its_address(bucket: str, tmp_path: Path) -> None:
    with refusal("no_file", InputError, match=f"{bucket}/none.jsonl: "):
        read_dataset(f"{bucket}/none.jsonl", tmp_path)


def test_a_server_that_is_away_is_tried_again_later(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(DatasetUnavailableError, match=f"{bucket}/safety.jsonl: "):
        read_dataset(f"{bucket}/safety.jsonl", tmp_path)


class Serving(http.server.BaseHTTPRequestHandler):
    """A web server with one file, and another address that is busy."""

    def do_GET(self) -> None:
        exists = self.path.partition("?")[0] == "/safety.jsonl"
        known = {"/busy.jsonl": 503, "/ours.jsonl": 403}
        self.send_response(200 if exists else known.get(self.path.partition("?")[0], 404))
        self.send_header("content-length", str(len(LINES) if exists else 0))
        self.end_headers()
        if exists:
            self.wfile.write(LINES)

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def log_message(self, *_: object) -> None:
        """Discard the message."""


@pytest.fixture
def web() -> Iterator[str]:
    with serving(Serving) as url:
        yield url


def test_a_data_set_comes_from_the_web(web: str, tmp_path: Path) -> None:
    assert read_dataset(f"{web}/safety.jsonl", tmp_path) == LINES
    with refusal("no_file", InputError, match=r"none\.jsonl: "):
        read_dataset(f"{web}/none.jsonl", tmp_path)
    with refusal("refused", InputError, match=r"ours\.jsonl: .*HTTP 403"):
        read_dataset(f"{web}/ours.jsonl", tmp_path)
    with pytest.raises(DatasetUnavailableError, match=r"127\.0\.0\.1:9/a\.jsonl: "):
        read_dataset("http://127.0.0.1:9/a.jsonl", tmp_path)


def test_busy_web_server_is_transient_and_secrets_are_hidden(web: str, tmp_path: Path) -> None:
    address = web.replace("//", "//user:password@") + "/busy.jsonl?signature=secret"
    with pytest.raises(DatasetUnavailableError) as error:
        read_dataset(address, tmp_path)
    assert "password" not in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("address", "module", "package"),
    [
        ("s3://b/k", "s3fs", "s3fs"),
        ("gs://b/k", "gcsfs", "gcsfs"),
        ("https://h/k", "aiohttp", "aiohttp"),
    ],
)
def test_a_missing_package_is_named(
    address: str, module: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [
        entry for entry in sys.modules if entry.startswith((module, "fsspec.implementations.h"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    registry = sys.modules["fsspec.registry"]  # the package has a mapping of that name
    for name in ("s3", "gs", "https", "http"):
        monkeypatch.delitem(registry._registry, name, raising=False)
    with refusal("no_package", InputError, match=f" {package}$"):
        read_dataset(address, tmp_path)
