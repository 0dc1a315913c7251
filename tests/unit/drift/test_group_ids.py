"""Ids of end users and sessions in the types of tables and arrays."""

import numpy as np
import pytest

from monitor.drift import compare
from monitor.drift.samples.group_ids import read_ids
from monitor.drift.samples.pool import number_owners
from monitor.drift.samples.units import unit_keys

VECTORS = np.eye(4, dtype=np.float32)


def test_missing_values_are_no_ids() -> None:
    import pandas as pd

    ids = pd.Series(["ann", None, np.nan, ""], dtype=object)
    assert ["ann", None, None, None] == read_ids(ids.to_numpy(), 4, "groups")
    assert ["ann", None, None, None] == read_ids(list(ids), 4, "groups")
    missing = np.full(4, np.nan)
    assert 4 == len(set(unit_keys(missing, VECTORS, "groups", salt=0)))
    assert 4 == len(set(number_owners(missing, 4, {}, 0, "groups")))


def test_equal_ids_of_different_types_are_one_id() -> None:
    for ids in ([3, np.int64(3), 3, np.int32(3)], ["3", np.str_("3"), "3", "3"]):
        assert 1 == len(set(unit_keys(ids, VECTORS, "groups", salt=0)))
    assert 4 == len(set(unit_keys([3, "3", 4, "4"], VECTORS, "groups", salt=0)))


def test_numeric_ids_are_equal_in_any_container() -> None:
    import torch

    containers = [
        torch.tensor([3, 3, 4, 4]),
        np.array([3.0, 3.0, 4.0, 4.0]),
        list(torch.tensor([3, 3, 4, 4])),
    ]
    for ids in containers:
        assert [3, 3, 4, 4] == read_ids(ids, 4, "groups")
        assert list(unit_keys(ids, VECTORS, "groups", salt=0)) == list(
            unit_keys([3, 3, 4, 4], VECTORS, "groups", salt=0)
        )


@pytest.mark.parametrize(
    "ids", [{"a", "b", "c", "d"}, dict.fromkeys("abcd", 1), b"abcd", iter("abcd"), 4]
)
def test_unordered_ids_are_refused(ids) -> None:
    with pytest.raises(TypeError, match="groups must hold one id for each sample, in their order"):
        read_ids(ids, 4, "groups")


@pytest.mark.parametrize(
    "option", ["alpha", "minimum_drifted_share", "n_permutations", "minimum_samples"]
)
def test_an_option_that_is_no_number_is_named(option) -> None:
    for value in (None, "0.05"):
        with pytest.raises(TypeError, match=f"{option} must be a (whole )?number; got"):
            compare(VECTORS, VECTORS, rng=np.random.default_rng(1), **{option: value})
    with pytest.raises(TypeError, match="n_permutations must be a whole number; got 199"):
        compare(VECTORS, VECTORS, rng=np.random.default_rng(1), n_permutations=199.0)


@pytest.mark.parametrize("ids", [[object()] * 4, [["a"]] * 4, np.zeros((4, 2))])
def test_invalid_id_is_refused_with_its_row(ids) -> None:
    with pytest.raises(TypeError, match=r"groups: row 0 is not an id: "):
        unit_keys(ids, VECTORS, "groups", salt=0)


def test_missing_values_of_pandas_are_missing_ids() -> None:
    import pandas as pd

    assert read_ids(pd.array(["a", None, pd.NA], "string"), 3, "groups") == ["a", None, None]


def test_ids_may_come_in_columns_of_polars_and_arrow() -> None:
    import polars as pl
    import pyarrow as pa

    for column in (pl.Series([1, None]), pa.array([1, None]), pa.chunked_array([[1], [None]])):
        assert read_ids(column, 2, "groups") == [1, None]


def test_string_is_not_taken_for_a_list_of_ids() -> None:
    with pytest.raises(TypeError, match="one id for each sample; got a text"):
        number_owners("anna", 4, {}, 0, "groups")


def test_a_device_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown device: 0"):
        compare(VECTORS, VECTORS, rng=np.random.default_rng(1), device=0)


def test_an_array_of_integers_is_numbered_as_a_list() -> None:
    ids = np.random.default_rng(0).integers(-9, 9, size=300)
    sides = [{7: 0, -3: 1}, {7: 0, -3: 1}]
    as_array = number_owners(ids, 300, sides[0], 0, "groups")
    assert as_array.tolist() == number_owners(ids.tolist(), 300, sides[1], 0, "groups").tolist()
    assert list(sides[0].items()) == list(sides[1].items())
