"""Names by which the traffic calls a model: exact names and patterns."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache

#: Distinct names of the traffic whose models are remembered; gateways may put any text there.
MAX_REMEMBERED = 4096


class ModelNames:
    """The listed models by the names of the traffic."""

    def __init__(self, aliases: Mapping[str, tuple[str, ...]]) -> None:
        """Check the names, and index them.

        ``aliases`` has each listed model with the further names and patterns of its traffic.

        Raises:
            ValueError: A name of the traffic could be two models'.
        """
        names = [(name, model) for model, further in aliases.items() for name in (model, *further)]
        patterns = [(name, model) for name, model in names if is_pattern(name)]
        _check_cases(list(aliases))
        self._exact: dict[str, str] = {}
        self._patterns = [(_compile(name), model) for name, model in patterns]
        for name, model in names:
            if not is_pattern(name):
                self._require_same(name, model, name, self._exact.setdefault(name, model))
                for (pattern, owner), (text, _) in zip(self._patterns, patterns, strict=True):
                    if pattern.fullmatch(name):
                        self._require_same(name, model, text, owner)
        for number, (name, model) in enumerate(patterns):
            for other, owner in patterns[:number]:
                if owner != model and patterns_meet(name, other):
                    self._require_same(name, model, other, owner)
        #: The models, in the order of the configuration.
        self.listed = tuple(aliases)
        self._match = lru_cache(maxsize=MAX_REMEMBERED)(self._match_pattern)

    @property
    def default(self) -> str:
        """The model of traffic that names none: the only one that is listed, else none."""
        return self.listed[0] if len(self.listed) == 1 else ""

    @property
    def former(self) -> list[tuple[str, str]]:
        """The aliases that are names, each with its model: a model may have had it before."""
        return [(name, model) for name, model in self._exact.items() if name != model]

    def resolve(self, name: str) -> str | None:
        """Return the listed model of a name of the traffic; ``None``: it is not listed."""
        return self._exact.get(name) or (self._match(name) if self._patterns else None)

    def find(self, name: str, models: Collection[str]) -> str | None:
        """Return the model that a user means; ``None``: it is unknown.

        The name is a model's, which comes first, or one of the traffic; models are listed or not.
        """
        return name if name in models else self.resolve(name)

    @staticmethod
    def _require_same(name: str, model: str, other: str, owner: str) -> None:
        if model != owner:
            raise ValueError(
                f"{name!r} of {model!r} and {other!r} of {owner!r} may be one name of the "
                "traffic; make the patterns narrower"
            )

    def _match_pattern(self, name: str) -> str | None:
        return next((model for pattern, model in self._patterns if pattern.fullmatch(name)), None)


@lru_cache(maxsize=32)
def index_names(aliases: tuple[tuple[str, tuple[str, ...]], ...]) -> ModelNames:
    """Return the index of models and their aliases; built once, as all pairs are compared."""
    return ModelNames(dict(aliases))


def twins_in_case(names: Iterable[str], listed: Iterable[str]) -> list[tuple[str, str]]:
    """Return the names that differ from a listed one in upper and lower case only, with that."""
    by_case = {model.casefold(): model for model in listed}
    return [
        (name, by_case[name.casefold()])
        for name in names
        if by_case.get(name.casefold(), name) != name
    ]


def is_pattern(name: str) -> bool:
    """Return whether a name has wildcards: ``*`` any text, ``?`` any character."""
    return "*" in name or "?" in name


def patterns_meet(first: str, second: str) -> bool:
    """Return whether a text exists that both patterns match."""
    # The pairs of positions that a common text can reach.
    seen: set[tuple[int, int]] = set()
    pending = [(0, 0)]
    while pending:
        state = pending.pop()
        if state in seen:
            continue
        seen.add(state)
        if state == (len(first), len(second)):
            return True
        pending += _steps(first, second, *state)
    return False


def _steps(first: str, second: str, i: int, j: int) -> Iterator[tuple[int, int]]:
    a, b = first[i : i + 1], second[j : j + 1]
    if a == "*":
        yield i + 1, j
        if b:
            yield i, j + 1
    if b == "*":
        yield i, j + 1
        if a:
            yield i + 1, j
    if a and b and (a == b or "?" in (a, b)):
        yield i + 1, j + 1


def _compile(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), re.DOTALL)


def _check_cases(models: list[str]) -> None:
    by_case: dict[str, str] = {}
    for model in models:
        other = by_case.setdefault(model.casefold(), model)
        if other != model:
            raise ValueError(
                f"{other!r} and {model!r} differ in upper and lower case only; list one of them, "
                "and the other as its alias if they are one model"
            )
