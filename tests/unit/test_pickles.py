"""No module of the product loads a pickle, nor what may hold one, nor YAML with objects."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Modules that unpickle.
MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
#: Functions of others that unpickle, or make objects, unless they are told not to.
FUNCTIONS = {"torch.load", "pandas.read_pickle", "pd.read_pickle", "yaml.load", "yaml.load_all",
             "yaml.unsafe_load", "yaml.full_load"}  # fmt: skip
#: What each of these ways contains; it spares most modules the parser.
TRACES = re.compile(r"pickle|dill|joblib|shelve|marshal|\bload|weights_only|trust_remote_code")


def loads(source: str) -> Iterator[str]:
    """Yield what a module does that could run a pickle."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            options = {option.arg: ast.unparse(option.value) for option in node.keywords}
            if called == "torch.load" and options.get("weights_only") == "True":
                continue
            if called in FUNCTIONS or called.endswith(".unpickle"):
                yield called
            yield from (
                f"{called}({name}={value})"
                for name, value in options.items()
                if (name, value) in {("allow_pickle", "True"), ("weights_only", "False"),
                                     ("trust_remote_code", "True")}
            )  # fmt: skip


def test_no_module_of_the_product_loads_pickles() -> None:
    paths = [path for room in ("driftwarden", "monitor", "retrain", "alembic")
             for path in sorted((ROOT / room).rglob("*.py"))]  # fmt: skip
    assert len(paths) > 500
    sources = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in paths}
    offenders = {path: list(loads(text)) for path, text in sources.items() if TRACES.search(text)}
    assert not {path: names for path, names in offenders.items() if names}


@pytest.mark.parametrize(
    "source",
    ["import joblib", "from pickle import loads", "torch.load(path)", "yaml.load(text)",
     "torch.load(path, weights_only=False)", "np.load(file, allow_pickle=True)"],
)  # fmt: skip
def test_each_way_to_load_a_pickle_is_detected(source: str) -> None:
    assert TRACES.search(source)
    assert list(loads(source))
