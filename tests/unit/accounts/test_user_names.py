"""Names that could be taken for another's."""

import pytest

from monitor.accounts.user_names import appearance, check_name
from monitor.errors import InputError
from tests.support.refusals import refusal


@pytest.mark.parametrize(
    "name",
    ["Ad\u0430", "P\u0430ul", "\u0391da", "Le\u0430 M\u00fcller", "\u13aada"],
)
def test_letters_of_two_scripts_are_refused(name: str) -> None:
    with refusal("mixed_scripts", InputError):
        check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "Ada Lovelace",
        "Jos\u00e9 \u00c1lvarez-2",
        "\u0410\u043d\u043d\u0430",
        "\u0399\u03c9\u03ac\u03bd\u03bd\u03b7\u03c2",
        "\u5c71\u7530\u306f\u306a\u30b3",
        "\u0645\u062d\u0645\u062f",
        "reviewer 7",
    ],
)
def test_names_of_one_script_pass(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["driftwarden", "Drift Warden", "\uff24riftwarden"])
def test_the_name_of_the_daemon_is_refused(name: str) -> None:
    with pytest.raises(InputError) as refused:
        check_name(name)
    assert refused.value.code == "reserved_name"


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Coco", "\u0421\u043e\u0441\u043e"),  # all Cyrillic
        ("Ada", "\uff21\uff44\uff41"),  # wide letters
        ("Ali", "A1i"),
        ("Ada Lee", "AdaLee"),
        ("root", "r00t"),
    ],
)
def test_confusable_names_have_one_appearance(name: str, other: str) -> None:
    assert appearance(name) == appearance(other)


def test_different_names_look_different() -> None:
    names = ["Ada", "Ben", "Cleo", "Lea", "reviewer 7", "reviewer 8", "\u0410\u043d\u043d\u0430"]
    assert len(names) == len({appearance(name) for name in names})
