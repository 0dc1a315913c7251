"""Grants of roles on models, and the permissions that follow from them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from monitor.store.accounts.roles import ROLES, Permission, may, may_grant, may_manage
from monitor.store.model_sets import ModelSet, Portion
from monitor.store.tables import UserGrant

#: The model of a grant on all models. No model of the traffic is stored under it: see ``Grants``.
ALL_MODELS = "*"

_OF_USERS = select(UserGrant.user_id, UserGrant.model, UserGrant.role, UserGrant.task_types).where(
    UserGrant.user_id.in_(bindparam("user_ids", expanding=True))
)


@dataclass(frozen=True)
class Grant:
    """A role on a model, or on all models without a grant of their own."""

    model: str
    role: str
    #: Task types that the user reviews and decides; none means all.
    task_types: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Grants:
    """The grants of a user, at most one for each model; a model's own replaces that on all."""

    #: Model, or ``ALL_MODELS`` -> grant.
    by_model: Mapping[str, Grant]

    @classmethod
    def of(cls, grants: Iterable[Grant]) -> "Grants":
        """Return the grants of a user."""
        return cls({grant.model: grant for grant in grants})

    @property
    def listed(self) -> list[Grant]:
        """The grants, that on all models first."""
        return sorted(
            self.by_model.values(), key=lambda grant: (grant.model != ALL_MODELS, grant.model)
        )

    @property
    def is_admin(self) -> bool:
        """Whether the user is an admin, who has no other grant."""
        return self.role_on(ALL_MODELS) == "admin"

    @property
    def highest_role(self) -> str:
        """The highest role on any model; empty without a grant."""
        roles = {grant.role for grant in self.by_model.values()}
        return next((role for role in reversed(ROLES) if role in roles), "")

    def on(self, model: str) -> Grant | None:
        """Return the grant that holds for a model."""
        return self.by_model.get(model) or self.by_model.get(ALL_MODELS)

    def role_on(self, model: str) -> str:
        """Return the role on a model; empty without one."""
        grant = self.on(model)
        return "" if grant is None else grant.role

    def may(self, permission: Permission, model: str) -> bool:
        """Return whether the user has a permission on a model."""
        return may(self.role_on(model), permission)

    def models(self, permission: Permission) -> ModelSet:
        """Return the models on which the user has a permission."""
        own = {grant.model: may(grant.role, permission) for grant in self.by_model.values()}
        if own.pop(ALL_MODELS, False):
            return ModelSet(frozenset(name for name, has in own.items() if not has), inverted=True)
        return ModelSet(frozenset(name for name, has in own.items() if has))

    def portions(self, permission: Permission, model: str | None = None) -> tuple[Portion, ...]:
        """Return models and task types of a permission, apart from each other, or of one model."""
        if model is not None:
            grant = self.on(model)
            if grant is None or not may(grant.role, permission):
                return ()
            return (Portion(ModelSet(frozenset({model})), grant.task_types),)
        portions = []
        for grant in self.listed:
            if may(grant.role, permission):
                own = frozenset(self.by_model) - {ALL_MODELS}
                models = (
                    ModelSet(own, inverted=True)
                    if grant.model == ALL_MODELS
                    else ModelSet(frozenset({grant.model}))
                )
                portions.append(Portion(models, grant.task_types))
        return tuple(portions)

    def reads_texts_of(self, model: str, task_type: str) -> bool:
        """Return whether the user reads texts of end users of a model and a task type.

        Leads and admins read all; others those of the task types that they review and decide.
        """
        if self.reads_all_texts_of(model):
            return True
        grant = self.on(model)
        return (
            grant is not None
            and self.may(Permission.READ, model)
            and (task_type in grant.task_types)
        )

    def reads_all_texts_of(self, model: str) -> bool:
        """Return whether the user reads the texts of all task types of a model."""
        grant = self.on(model)
        if grant is None or not may(grant.role, Permission.READ):
            return False
        return may(grant.role, Permission.LEAD) or not grant.task_types

    def readable_portions(self, model: str | None = None) -> tuple[Portion, ...]:
        """Return models, or one, with the task types whose texts the user reads; none means all."""
        return tuple(
            Portion(portion.models, frozenset()) if self._leads(portion) else portion
            for portion in self.portions(Permission.READ, model)
        )

    def _leads(self, portion: Portion) -> bool:
        names = {ALL_MODELS} if portion.models.inverted else portion.models.names
        return all(self.may(Permission.LEAD, name) for name in names)

    def may_grant(self, role: str, model: str) -> bool:
        """Return whether the user may grant a role on a model: at most the own one there."""
        return self._manages(model) and may_grant(self.role_on(model), role)

    def may_change(self, other: "Grants", model: str) -> bool:
        """Return whether the user may change another's role on a model: a lower one, or none."""
        theirs = other.role_on(model)
        return self._manages(model) and (not theirs or may_manage(self.role_on(model), theirs))

    def may_manage(self, other: "Grants") -> bool:
        """Return whether the user may manage another's account: lower roles, on own models only.

        A lead of one model can't reset the password of a reviewer of another model too, because the
        link would sign them in as that reviewer.
        """
        return all(self.may_change(other, model) for model in other.by_model or (ALL_MODELS,))

    def _manages(self, model: str) -> bool:
        models = self.models(Permission.MANAGE_USERS)
        return models.inverted and not models.names if model == ALL_MODELS else model in models


def grants_of(connection: Connection, user_ids: Iterable[int]) -> dict[int, Grants]:
    """Return the grants of users, by user id."""
    by_user: dict[int, list[Grant]] = {user_id: [] for user_id in user_ids}
    rows = connection.execute(_OF_USERS, {"user_ids": list(by_user)})
    for user_id, model, role, task_types in rows:
        by_user[user_id].append(Grant(model, role, frozenset(task_types)))
    return {user_id: Grants.of(grants) for user_id, grants in by_user.items()}


def save_grant(connection: Connection, user_id: int, grant: Grant) -> None:
    """Insert or replace a user's grant on a model; the caller holds the user's lock."""
    values = {"role": grant.role, "task_types": sorted(grant.task_types)}
    own = (UserGrant.user_id == user_id, UserGrant.model == grant.model)
    if not connection.execute(update(UserGrant).where(*own).values(**values)).rowcount:
        connection.execute(insert(UserGrant).values(user_id=user_id, model=grant.model, **values))


def delete_grants(connection: Connection, user_id: int, models: Iterable[str]) -> None:
    """Delete a user's grants on models."""
    connection.execute(
        delete(UserGrant).where(UserGrant.user_id == user_id, UserGrant.model.in_(list(models)))
    )


def rename_model(connection: Connection, old: str, new: str) -> int:
    """Move the grants on a model to its new name, and return their number.

    A user who has a grant under the new name keeps that one.
    """
    theirs = select(UserGrant.user_id, UserGrant.model).where(UserGrant.model.in_([old, new]))
    users: dict[str, set[int]] = {old: set(), new: set()}
    for user_id, model in connection.execute(theirs):
        users[model].add(user_id)
    if users[old]:
        settled = UserGrant.user_id.in_(users[old] & users[new])
        connection.execute(delete(UserGrant).where(UserGrant.model == old, settled))
        connection.execute(update(UserGrant).where(UserGrant.model == old).values(model=new))
    return len(users[old])
