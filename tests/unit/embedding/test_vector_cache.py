"""The cache of vectors: what it returns, holds and refuses, and what may happen to its file."""

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from monitor.embedding import vector_cache as module
from monitor.embedding.vector_cache import FILE, KnownEncoder, VectorCache
from monitor.errors import InputError
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.refusals import refusal

N_DAMAGED = 40
ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 2, tzinfo=UTC)
#: Texts that a careless key would mix up, or fail on.
ODD = ["", " ", "a", "a ", "a\x00b", "a\x00", "\ud800", "?", "é", "e\u0301", "long " * 60_000]
TEXTS = [f"how high is the interest on loan {number}" for number in range(300)]
FAKE = FakeEncoder()


def open_cache(
    folder: Path, *, max_bytes: int = 10_000_000, now: datetime = NOW, max_age: int = 90
) -> VectorCache:
    return VectorCache(folder, max_bytes=max_bytes, max_age=timedelta(days=max_age), now=now)


def known(cache: VectorCache, fingerprint: bytes = b"one") -> KnownEncoder:
    encoder = cache.add_encoder(fingerprint, FAKE.identity, FAKE.dimension)
    assert encoder is not None
    return encoder


def fill(folder: Path, texts: list[str] = TEXTS, **options: int) -> Path:
    cache = open_cache(folder, **options)
    cache.write(known(cache), texts, FAKE.encode(texts))
    cache.close()
    return folder / FILE


def read(folder: Path, texts: list[str] = TEXTS) -> dict[str, np.ndarray]:
    """Read texts as a new process would; a vector that is not the text's own fails the test."""
    cache = open_cache(folder)
    encoder = cache.known_encoder(b"one")
    vectors = {} if encoder is None else cache.read(encoder, texts)
    cache.close()
    for text, vector in vectors.items():
        assert vector.tobytes() == FAKE.encode([text])[0].tobytes(), text
    return vectors


def events_of(entries: list[dict[str, object]]) -> list[object]:
    return [entry["event"] for entry in entries]


def test_odd_texts_have_their_own_vectors(tmp_path: Path) -> None:
    cache = open_cache(tmp_path / "made" / "here")
    encoder = known(cache)
    vectors = np.random.default_rng(1).normal(size=(len(ODD), 8)).astype(np.float16)

    cache.write(encoder, ODD, vectors)

    stored = cache.read(encoder, [*ODD, "A", "a\x00b "])
    assert list(stored) == ODD
    np.testing.assert_array_equal(np.stack(list(stored.values())), vectors)
    assert cache.read(known(cache, b"two"), ODD) == {}


def test_only_the_owner_reads_folder_and_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        file = fill(tmp_path / "cache")
        file.chmod(0o644)
        fill(tmp_path / "cache", ["another text"])
    finally:
        os.umask(before)

    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_file_holds_neither_texts_nor_bare_digests(tmp_path: Path) -> None:
    text = "call Ann Zebrafish at 0151 2345678 about her loan"
    content = fill(tmp_path / "cache", [text]).read_bytes()

    data = text.encode()
    assert FAKE.encode([text])[0].tobytes() in content
    for form in (data, text.encode("utf-16-le"), data[9:22]):
        assert form not in content
    for digest in (sha256(data).digest(), blake2b(data, digest_size=16).digest()):
        assert digest not in content
        assert digest[:8] not in content


def test_removed_vectors_leave_no_bytes(tmp_path: Path) -> None:
    file = fill(tmp_path)
    cache = open_cache(tmp_path)
    cache.write(known(cache, b"two"), TEXTS[:1], FAKE.encode(TEXTS[:1]))
    assert cache.count([TEXTS[0], TEXTS[1], TEXTS[0], "unknown"]) == 3

    cache.remove(TEXTS[:2])

    assert cache.count(TEXTS[:2]) == 0
    cache.close()
    assert FAKE.encode(TEXTS[:1])[0].tobytes() not in file.read_bytes()
    assert list(read(tmp_path)) == TEXTS[2:]


@pytest.mark.parametrize("cut", [0, 1, 99, 100, 4096, 5000, 20_000])
def test_a_cut_file_gives_no_wrong_vector(tmp_path: Path, cut: int) -> None:
    file = fill(tmp_path)
    os.truncate(file, cut)

    with capture_logs() as entries:
        vectors = read(tmp_path)
        second = read(tmp_path)

    assert len(vectors) == len(second) < len(TEXTS)
    assert len(entries) == (2 if cut else 0)  # an empty file is a new one


@pytest.mark.slow
def test_flipped_bits_give_no_wrong_vector(tmp_path: Path) -> None:
    content = bytearray(fill(tmp_path).read_bytes())
    rng = np.random.default_rng(1)
    n_read = []
    with capture_logs():
        for _ in range(N_DAMAGED):
            damaged = bytearray(content)
            for place in rng.integers(0, len(content), size=30):
                damaged[place] ^= 1 << int(rng.integers(8))
            (tmp_path / FILE).write_bytes(damaged)
            n_read.append(len(read(tmp_path)))
            cache = open_cache(tmp_path)
            encoder = cache.add_encoder(b"one", FAKE.identity, FAKE.dimension)
            if encoder is not None:
                cache.write(encoder, TEXTS[:50], FAKE.encode(TEXTS[:50]))
                cache.remove(TEXTS[40:60])
            cache.close()
            read(tmp_path)
    assert max(n_read) > 0  # some damage is noticed row by row
    assert min(n_read) < len(TEXTS)


def test_a_vector_of_another_row_is_not_returned(tmp_path: Path) -> None:
    file = fill(tmp_path)
    with sqlite3.connect(file) as connection:
        connection.execute(
            "UPDATE vectors SET vector = (SELECT vector FROM vectors WHERE id = 2) WHERE id = 1"
        )
        connection.execute("INSERT INTO encoders VALUES (9, x'00', 'other', 8, x'00')")
        connection.execute("UPDATE vectors SET encoder = 9 WHERE id = 3")
    connection.close()

    assert len(read(tmp_path)) == len(TEXTS) - 2
    fill(tmp_path)
    assert len(read(tmp_path)) == len(TEXTS)  # written anew


def test_a_file_cut_while_it_is_open_ends_no_run(tmp_path: Path) -> None:
    file = fill(tmp_path)
    cache = open_cache(tmp_path)
    encoder = known(cache)
    cache.read(encoder, TEXTS[:1])
    os.truncate(file, 4096)

    with capture_logs() as entries:
        assert cache.read(encoder, TEXTS) == {} or read(tmp_path) is not None
        cache.write(encoder, TEXTS, FAKE.encode(TEXTS))
        assert cache.read(encoder, TEXTS) == {}

    assert events_of(entries) == ["vector_cache_not_used"]


def test_a_deleted_folder_ends_no_run(tmp_path: Path) -> None:
    fill(tmp_path / "cache")
    cache = open_cache(tmp_path / "cache")
    encoder = known(cache)
    shutil.rmtree(tmp_path / "cache")

    with capture_logs() as entries:
        for text in ("new", "newer", "newest"):
            cache.write(encoder, [text], FAKE.encode([text]))
            cache.read(encoder, [text])

    assert events_of(entries) == ["vector_cache_not_written"]
    assert not (tmp_path / "cache").exists()
    assert len(read(tmp_path / "cache")) == 0  # made anew


def database_of_another_program(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE vectors (id, digest, encoder, created_day, vector)")
        connection.execute("INSERT INTO vectors VALUES (1, 2, 3, 4, 5)")
    connection.close()


def newer_cache(file: Path) -> None:
    fill(file.parent)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()


@pytest.mark.parametrize(
    "make",
    [
        lambda file: file.write_text("notes of somebody\n" * 100),
        lambda file: file.write_bytes(b"\x00" * 8192),
        database_of_another_program,
        newer_cache,
    ],
)
def test_a_file_that_is_no_cache_is_left_alone(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    file = tmp_path / FILE
    make(file)
    content = file.read_bytes()

    with capture_logs() as entries:
        cache = open_cache(tmp_path)
        assert cache.add_encoder(b"one", "x", 8) is None
        assert cache.count(TEXTS) == 0

    assert events_of(entries) == ["vector_cache_not_used"]
    assert file.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_file_of_an_older_version_is_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    monkeypatch.setattr(module, "VERSION", 2)

    assert read(tmp_path) == {}
    fill(tmp_path)
    assert len(read(tmp_path)) == len(TEXTS)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with refusal("cache_is_no_folder", InputError):
            open_cache(path)
    assert (tmp_path / "file").read_text() == "x"


def shared_folder(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def link_to_elsewhere(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / FILE).symlink_to(folder.parent / "elsewhere")


def folder_in_place(folder: Path) -> None:
    (folder / FILE).mkdir(mode=0o700, parents=True)


@pytest.mark.parametrize("make", [shared_folder, link_to_elsewhere, folder_in_place])
def test_a_place_that_others_may_fill_is_not_used(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    make(tmp_path / "cache")

    with capture_logs() as entries:
        cache = open_cache(tmp_path / "cache")
        assert cache.add_encoder(b"one", "x", 8) is None

    assert events_of(entries) == ["vector_cache_not_used"]
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.slow
def test_the_size_stays_below_its_limit(tmp_path: Path) -> None:
    cache = open_cache(tmp_path, max_bytes=1_000_000)
    encoder = known(cache)
    sizes = []
    with capture_logs() as entries:
        for first in range(0, 20_000, 250):
            texts = [str(number) for number in range(first, first + 250)]
            cache.write(encoder, texts, FAKE.encode(texts))
            sizes.append((tmp_path / FILE).stat().st_size)
            assert len(cache.read(encoder, texts)) == 250
    assert entries == []
    assert 800_000 < max(sizes) <= 1_000_000
    assert cache.read(encoder, ["0"]) == {}
    cache.close()

    smaller = open_cache(tmp_path, max_bytes=200_000)
    smaller.write(known(smaller), TEXTS, FAKE.encode(TEXTS))
    smaller.close()

    assert (tmp_path / FILE).stat().st_size <= 200_000
    assert len(read(tmp_path)) == len(TEXTS)


def test_a_batch_above_the_limit_is_not_stored(tmp_path: Path) -> None:
    cache = open_cache(tmp_path, max_bytes=40_000)
    encoder = known(cache)

    with capture_logs() as entries:
        for _ in range(3):
            cache.write(encoder, TEXTS * 5, FAKE.encode(TEXTS * 5))

    assert len(entries) <= 1
    assert (tmp_path / FILE).stat().st_size <= 40_000


def test_old_vectors_are_removed_at_the_next_use(tmp_path: Path) -> None:
    fill(tmp_path, TEXTS[:10])
    later = open_cache(tmp_path, now=NOW + timedelta(days=50))
    later.write(known(later), TEXTS[10:20], FAKE.encode(TEXTS[10:20]))
    later.close()

    open_cache(tmp_path, now=NOW + timedelta(days=91)).close()

    assert list(read(tmp_path)) == TEXTS[10:20]


#: Argument: folder. Its vectors are those of the fake encoder.
PROCESS = """
import os, signal, sys
from datetime import timedelta
from pathlib import Path
from monitor.embedding.vector_cache import VectorCache
from tests.support.encoders.fake_encoder import FakeEncoder
folder, step = Path(sys.argv[1]), sys.argv[2]
fake = FakeEncoder()
cache = VectorCache(folder, max_bytes=50_000_000, max_age=timedelta(days=9000))
encoder = cache.add_encoder(b"one", fake.identity, fake.dimension)
def write(texts):
    cache.write(encoder, texts, fake.encode(texts))
"""
KILLED = """
connection = cache._connection
connection.execute("PRAGMA cache_size = 5")
connection.execute("BEGIN IMMEDIATE")
connection.execute("DELETE FROM vectors WHERE id % 2 = 0")
connection.execute("UPDATE vectors SET vector = zeroblob(24)")
os.kill(os.getpid(), signal.SIGKILL)
"""
WRITING = """
own = [f"{step} {number}" for number in range(400)]
shared = [f"both {number}" for number in range(400)]
print("open", flush=True)
sys.stdin.readline()
for first in range(0, 400, 20):
    write(own[first : first + 20])
    write(shared[first : first + 20])
"""
FULL = """
texts = [f"{step} {number}" for number in range(4000)]
for first in range(0, 4000, 100):
    part = texts[first : first + 100]
    write(part)
    cache.read(encoder, part)
kept = cache.read(encoder, texts)
assert 100 <= len(kept) < 4000, len(kept)
assert all((fake.encode([text])[0] == vector).all() for text, vector in kept.items())
print("done")
"""


def start(script: str, folder: Path, step: str = "", *before: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*before, sys.executable, "-c", PROCESS + script, str(folder), step],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.slow
def test_a_kill_in_the_middle_of_a_write_loses_nothing(tmp_path: Path) -> None:
    texts = [str(number) for number in range(3000)]
    file = fill(tmp_path, texts)

    process = start(KILLED, tmp_path)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == -signal.SIGKILL, errors
    assert file.with_name(FILE + "-journal").stat().st_size > 0  # pages had been overwritten
    assert len(read(tmp_path, texts)) == len(texts)
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


@pytest.mark.slow
def test_two_processes_write_at_once(tmp_path: Path) -> None:
    processes = [start(WRITING, tmp_path / "cache", step) for step in ("a", "b")]
    for process in processes:  # both have created the file by then, or found it
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
    outputs = [process.communicate("go\n", timeout=60) for process in processes]

    assert [
        (process.returncode, *output) for process, output in zip(processes, outputs, strict=True)
    ] == [(0, "", "")] * 2
    texts = [f"{name} {number}" for name in ("a", "b", "both") for number in range(400)]
    assert len(read(tmp_path / "cache", texts)) == len(texts)


@pytest.mark.slow
def test_a_full_disk_is_logged_once(tmp_path: Path) -> None:
    """A disk of 200 KB in a mount namespace of its own."""
    mount = 'mount -t tmpfs -o size=200k none "$0" && exec "$@"'
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    prefix = ("unshare", *user, "--mount", "sh", "-c", mount, str(tmp_path))
    probe = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"mount namespaces are not allowed here: {probe.stderr.strip()}")

    process = start(FULL, tmp_path / "cache", "a", *prefix)
    output, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors
    assert output == "done\n"
    assert errors.count("RuntimeWarning") == errors.count("vector_cache_not_written: ") == 1


@pytest.mark.slow
def test_pages_that_split_unexpectedly_cost_only_the_oldest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VectorCache, "_make_room", lambda *_: None)
    cache = open_cache(tmp_path, max_bytes=300_000)
    encoder = known(cache)
    with capture_logs() as entries:
        for first in range(0, 10_000, 250):
            texts = [str(number) for number in range(first, first + 250)]
            cache.write(encoder, texts, FAKE.encode(texts))
            assert len(cache.read(encoder, texts)) == 250
    assert entries == []
    assert (tmp_path / FILE).stat().st_size <= 300_000
