"""Blocks that stand in files: each is read by the loader that reads its file."""

import json
import tomllib
from pathlib import Path

import yaml

from monitor.review.guidelines.loader import load_taxonomy
from monitor.settings import load_configuration
from monitor.settings.evaluation_file import read_plan
from tests.documentation.blocks import Block

BENCHMARKS = "evaluation:\n  benchmarks: [{name: a, dataset: a.jsonl, metrics: [f1]}]\n"
#: Languages of files.
LANGUAGES = ("json", "toml", "yaml", "markdown")


def load(block: Block, folder: Path) -> str:
    """Load a block by its language; return what it is.

    Args:
        block: Of one of the languages of files.
        folder: An empty one.

    Raises:
        Exception: What the loader says of a block that isn't valid.
    """
    if block.language == "json":
        return _load_json(block.text)
    path = folder / f"fragment.{block.language}"
    path.write_text(block.text, encoding="utf-8")
    if block.language == "toml":
        if block.text.startswith("[project."):
            return "pyproject.toml" if tomllib.loads(block.text) else ""
        load_configuration(path)
        return "config.toml"
    if block.language == "markdown":
        return "taxonomy" if load_taxonomy(path).task_types else ""
    return _load_yaml(block.text, path)


def _load_json(text: str) -> str:
    """Read one value, or a value on each line."""
    try:
        json.loads(text)
    except json.JSONDecodeError:
        assert all(isinstance(json.loads(line), dict) for line in text.splitlines())
        return "JSON lines"
    return "JSON"


def _load_yaml(text: str, path: Path) -> str:
    keys = yaml.safe_load(text).keys()
    if {"apiVersion", "kind", "metadata"} <= keys:
        return "object of Kubernetes"
    if "jobs" in keys:
        return "workflow"
    if "evaluation" not in keys:
        path.write_text(BENCHMARKS + text, encoding="utf-8")
    read_plan(path)
    return "evaluation.yaml"
