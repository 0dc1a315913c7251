"""Names of the traffic: aliases and patterns, and which of them overlap."""

import re
from itertools import product

import pytest

from monitor.settings.models.names import ModelNames, patterns_meet


def test_names_aliases_and_patterns_resolve_to_their_model() -> None:
    names = ModelNames({"router": ("route?", "router-*"), "analyst": ()})
    resolved = {name: names.resolve(name) for name in ("router", "router-", "router-7b", "routeX")}
    assert set(resolved.values()) == {"router"}
    assert names.resolve("analyst") == "analyst"
    assert [names.resolve(name) for name in ("", "Router", "xrouter-7b", "rout")] == [None] * 4


def test_patterns_match_any_text_and_no_more() -> None:
    names = ModelNames({"a": ("a.*",)})
    assert names.resolve("a.\nb") == "a"
    assert names.resolve("axb") is None


def test_patterns_meet_where_some_text_matches_both() -> None:
    """Against all texts of a and b with up to five characters."""
    patterns = ["".join(p) for n in range(4) for p in product("ab*?", repeat=n)]
    texts = ["".join(p) for n in range(6) for p in product("ab", repeat=n)]
    matches = {
        pattern: {
            text
            for text in texts
            if re.fullmatch(pattern.replace("?", ".").replace("*", ".*"), text)
        }
        for pattern in patterns
    }
    for first, second in product(patterns, patterns):
        assert patterns_meet(first, second) == bool(matches[first] & matches[second])


@pytest.mark.parametrize(
    "aliases",
    [
        {"a": ("x-*",), "b": ("*-y",)},
        {"a": ("b",), "b": ()},
        {"a": ("x",), "b": ("x",)},
        {"a": ("b*",), "bank": ()},
    ],
)
def test_names_that_two_models_share_are_refused(aliases: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(ValueError, match=r"may be one name of the traffic") as caught:
        ModelNames(aliases)
    assert all(repr(model) in str(caught.value) for model in aliases)


def test_models_that_differ_by_case_are_refused() -> None:
    with pytest.raises(ValueError, match="upper and lower case"):
        ModelNames({"Router": (), "router": ()})


def test_a_known_model_comes_before_an_alias() -> None:
    names = ModelNames({"router": ("router-v1", "r-*")})
    assert names.find("router-v1", {"router", "router-v1"}) == "router-v1"
    assert names.find("router-v1", {"router"}) == "router"
    assert None is names.find("analyst", {"router"})


def test_traffic_without_a_name_is_of_the_only_model() -> None:
    assert ModelNames({"a": ()}).default == "a"
    assert ModelNames({"a": (), "b": ()}).default == ""
