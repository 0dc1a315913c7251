"""Fits and kept parts of the measurement of constants."""

import json
import os
import time
from dataclasses import fields
from pathlib import Path

import pytest

from bench.sizing.area import MAX_PART_SECONDS, line, read_parts
from bench.sizing.cpu import cpu_seconds, resident_bytes, tree_cpu_seconds
from bench.sizing.texts import corpus, exchanges, overhead_bytes
from monitor.sizing.constants import Constants
from tests.support.present import utc_now


def test_a_line_goes_through_both_points() -> None:
    offset, slope = line((2.0, 6.0), (10.0, 18.0))
    assert (offset, slope) == (6.0, 2.0)


@pytest.mark.parametrize(
    ("costs", "expected"), [((5.0, 4.0), (5.0, 0.0)), ((1.0, 30.0), (0.0, 7.25))]
)
def test_noise_makes_no_negative_cost(
    costs: tuple[float, float], expected: tuple[float, float]
) -> None:
    assert line((2.0, 6.0), costs) == expected


def test_parts_of_an_interrupted_measurement_are_read_for_a_day(tmp_path: Path) -> None:
    path = tmp_path / "parts.json"
    assert read_parts(path) == {}
    path.write_text(json.dumps({"encoder": {"encoder_dimension": 384.0}}))
    assert read_parts(path) == {"encoder": {"encoder_dimension": 384.0}}
    old = utc_now().timestamp() - MAX_PART_SECONDS - 60
    os.utime(path, (old, old))
    assert read_parts(path) == {}


def test_every_constant_is_measured() -> None:
    source = (Path(__file__).parents[3] / "bench" / "sizing" / "area.py").read_text()
    missing = [field.name for field in fields(Constants) if f'"{field.name}":' not in source]
    assert missing == []


def test_records_have_the_wanted_sizes() -> None:
    sizes = [len(record) for record in exchanges(200, 300, 700, seed=3)]
    mean = sum(sizes) / len(sizes)
    # Quotes and backslashes are escaped.
    assert 1_000 + overhead_bytes() <= mean + 2 <= 1_100 + overhead_bytes()
    assert not {"{", "["} & set(corpus())


def test_processor_time_and_memory_are_those_of_the_process() -> None:
    before, begin = cpu_seconds(os.getpid()), time.process_time()
    while time.process_time() - begin < 0.1:
        pass
    assert 0.05 <= cpu_seconds(os.getpid()) - before < 1.0
    assert tree_cpu_seconds(os.getpid()) >= cpu_seconds(os.getpid())
    assert resident_bytes(os.getpid()) > 10**7
    assert resident_bytes(2**22) == 0
