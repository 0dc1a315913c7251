"""Grants of roles on models: the own one of a model replaces that on all."""

from itertools import product

import pytest

from monitor.store.accounts.grants import ALL_MODELS, Grant, Grants
from monitor.store.accounts.roles import ROLES, Permission, may
from monitor.store.model_sets import EVERY_MODEL, ModelSet

MODELS = (ALL_MODELS, "a", "b")
NONE = ""


def grants(*roles: str) -> Grants:
    """Return grants on all models, on ``a`` and on ``b``; an empty role is none."""
    pairs = zip(MODELS, roles, strict=False)
    return Grants.of([Grant(model, role, frozenset({model})) for model, role in pairs if role])


def test_models_and_portions_agree_with_the_role() -> None:
    for roles in product((NONE, *ROLES), repeat=3):
        user = grants(*roles)
        for model, permission in product(("a", "b", "c"), Permission):
            has = user.may(permission, model)
            assert has == may(user.role_on(model), permission)
            assert has == (model in user.models(permission)), (roles, model, permission)
            portions = [part for part in user.portions(permission) if model in part.models]
            assert len(portions) == has
            own = user.portions(permission, model)
            assert [part.task_types for part in own] == [part.task_types for part in portions]


def test_no_grant_is_no_permission() -> None:
    user = grants()
    assert not user.models(Permission.READ)
    assert user.role_on("a") == user.highest_role == ""


def test_model_set_narrows_to_one_model() -> None:
    rest = ModelSet(frozenset({"a"}), inverted=True)
    assert "b" in rest
    assert not rest.narrow("a")
    assert rest.narrow("b") == ModelSet(frozenset({"b"}))
    assert EVERY_MODEL


@pytest.mark.parametrize(
    ("own", "role", "model", "allowed"),
    [
        ((NONE, "lead"), "lead", "a", True),
        ((NONE, "lead"), "admin", "a", False),
        ((NONE, "lead"), "reviewer", "b", False),
        ((NONE, "lead"), "reviewer", ALL_MODELS, False),
        ((NONE, "lead", "lead"), "reviewer", ALL_MODELS, False),
        (("lead",), "lead", ALL_MODELS, True),
        (("lead",), "lead", "a", True),
        (("lead", "reviewer"), "reviewer", "a", False),
        (("lead", "reviewer"), "reviewer", ALL_MODELS, False),
        (("admin",), "admin", ALL_MODELS, True),
        (("adjudicator",), "reviewer", "a", False),
    ],
)
def test_roles_are_granted_on_led_models_only(
    own: tuple[str, ...], role: str, model: str, *, allowed: bool
) -> None:
    assert grants(*own).may_grant(role, model) == allowed


@pytest.mark.parametrize(
    ("own", "other", "account", "role_on_a"),
    [
        ((NONE, "lead"), (NONE, "reviewer"), True, True),
        ((NONE, "lead"), (NONE, "lead"), False, False),
        ((NONE, "lead"), (NONE, "reviewer", "reviewer"), False, True),
        ((NONE, "lead"), (NONE, NONE, "lead"), False, True),
        ((NONE, "lead"), ("reviewer",), False, True),
        ((NONE, "lead"), ("lead",), False, False),
        ((NONE, "lead"), ("lead", "reviewer"), False, True),
        ((NONE, "lead"), ("admin",), False, False),
        ((NONE, "lead"), (), False, True),
        (("lead",), (NONE, "reviewer", "reviewer"), True, True),
        (("lead",), (NONE, "lead"), False, False),
        (("lead",), (), True, True),
        (("admin",), ("admin",), True, True),
        ((NONE, "adjudicator"), (NONE, "reviewer"), False, False),
    ],
)
def test_accounts_are_managed_with_all_of_their_roles(
    own: tuple[str, ...], other: tuple[str, ...], *, account: bool, role_on_a: bool
) -> None:
    assert grants(*own).may_manage(grants(*other)) == account
    assert grants(*own).may_change(grants(*other), "a") == role_on_a
