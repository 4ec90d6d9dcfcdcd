"""The mark that makes a function a bench, and the shape of what it gives."""

import importlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec


class Goal(msgspec.Struct, frozen=True):
    """A bound on a value, in the row's unit: see ``at_most`` and ``at_least``."""

    kind: str
    bound: float

    def met_by(self, value: float) -> bool:
        """Whether the value keeps the bound."""
        return value <= self.bound if self.kind == "at most" else value >= self.bound


class Row(msgspec.Struct, frozen=True):
    """One figure: what it is, its value, its unit (``s``, ``ratio``, ``requests/s``, ``MB`` …)."""

    name: str
    value: float
    unit: str
    goal: Goal | None = None
    note: str = ""


Rows = Iterable[Row]
Measure = TypeVar("Measure", bound=Callable[..., Rows | Awaitable[Rows]])


@dataclass(frozen=True)
class Bench:
    """A function that measures. With ``needs_stack`` it is called with the running ``bench.stack.Stack``;
    with ``unused`` that no other bench has used before; with ``only_by_name`` it runs when it is named, not
    with all the others (it takes very long)."""

    name: str
    title: str
    measure: Callable[..., Rows | Awaitable[Rows]]
    needs_stack: bool
    unused: bool
    only_by_name: bool


_KNOWN: dict[str, Bench] = {}


def at_most(bound: float) -> Goal:
    """The value should not be above ``bound``."""
    return Goal("at most", bound)


def at_least(bound: float) -> Goal:
    """The value should not be below ``bound``."""
    return Goal("at least", bound)


def bench(
    title: str, *, needs_stack: bool = False, unused: bool = False, only_by_name: bool = False
) -> Callable[[Measure], Measure]:
    """Marks a function (plain or async) as a bench named like the function: ``bench/results/NAME.json``."""

    def mark(function: Measure) -> Measure:
        name = function.__name__
        if name in _KNOWN and _KNOWN[name].measure.__module__ != function.__module__:
            raise ValueError(f"two benches are named {name}")
        _KNOWN[name] = Bench(name, title, function, needs_stack, unused, only_by_name)
        return function

    return mark


def all_benches() -> dict[str, Bench]:
    """Every bench by name, from all files `bench_*.py` of this folder."""
    for file in sorted(Path(__file__).parent.glob("bench_*.py")):
        importlib.import_module(f"bench.{file.stem}")
    return dict(_KNOWN)
