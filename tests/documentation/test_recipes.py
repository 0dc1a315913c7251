"""Recipes of CONTRIBUTING.md: each is followed, and a typical mistake of each fails."""

from itertools import chain
from pathlib import Path

import pytest

from tests.documentation.recipes.followed import RECIPES, UNFOLLOWED
from tests.documentation.recipes.recipe import (
    BY_EDITS,
    COMMANDS,
    Recipe,
    copy_source,
    follow,
    is_place,
    recipes,
    run_tests,
)

each_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)


def test_each_recipe_is_followed_or_its_own_test_named() -> None:
    titles = [title for title, _ in recipes()]
    assert sorted(titles) == sorted([*(recipe.title for recipe in RECIPES), *UNFOLLOWED])


@each_recipe
def test_recipe_names_what_is_edited_and_run(recipe: Recipe) -> None:
    named = recipe.names() - recipe.other.keys()
    assert recipe.other.keys() <= recipe.names()
    done = {edit.path for edit in recipe.edits} - recipe.own
    done |= {test.partition("::")[0] for test in recipe.tests} | {*recipe.commands}
    unnamed = {path for path in done if not any(_covers(name, path) for name in named)}
    assert not unnamed, f"the recipe doesn't name {sorted(unnamed)}"
    undone = {name for name in named if not any(_covers(name, path) for path in done)}
    assert not undone, f"the recipe names {sorted(undone)}, which its example doesn't need"


def _covers(name: str, path: str) -> bool:
    return name == path or (is_place(name) and path.startswith(f"{name.removesuffix('/')}/"))


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "folder", ["tests/unit", pytest.param("tests", marks=pytest.mark.drill)], ids=["short", "long"]
)
def test_recipes_followed_together_pass_their_tests(folder: str, tmp_path: Path) -> None:
    copy_source(tmp_path)
    commands = {*chain.from_iterable(recipe.commands for recipe in RECIPES)}
    assert commands <= COMMANDS.keys() | BY_EDITS.keys()
    follow(tmp_path, chain.from_iterable(recipe.edits for recipe in RECIPES), commands)
    tests = chain.from_iterable(recipe.tests for recipe in RECIPES)
    done = run_tests(tmp_path, (test for test in tests if test.startswith(f"{folder}/")))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.drill
@pytest.mark.timeout(900)
@each_recipe
def test_mistake_in_a_recipe_fails_with_its_place(recipe: Recipe, tmp_path: Path) -> None:
    copy_source(tmp_path)
    follow(tmp_path, recipe.edits_with_mistake(), recipe.commands)
    done = run_tests(tmp_path, recipe.tests)
    assert done.returncode == 1, done.stdout[-4000:] + done.stderr[-2000:]
    assert recipe.mistake.message in done.stdout, done.stdout[-4000:]
