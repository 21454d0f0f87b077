"""What `help` shows of the library names every argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest

import interp
from interp.engine.options import DEFAULT_MAX_EVALUATIONS, DEFAULT_TOLERANCE, MIN_EVALUATIONS
from interp.question import MethodName, Output, Part, Positions, ReferenceKind

KINDS = (interp.Model, interp.Explanation, interp.Explanations)
MADE_BY_INTERP = ("Attribution", "Explanation", "IntegrationStatus", "InterpError")
"""Classes that nobody outside calls: data, an enumeration and errors."""


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in interp.__all__:
        if name not in MADE_BY_INTERP:
            yield name, getattr(interp, name)
    for kind in KINDS:
        for name, member in inspect.getmembers(kind, callable):
            if not name.startswith("_") and member.__module__.startswith("interp."):
                yield f"{kind.__name__}.{name}", member


PUBLIC = dict(public())


@pytest.mark.parametrize("name", PUBLIC)
def test_help_names_every_argument(name: str) -> None:
    shown = inspect.getdoc(PUBLIC[name]) or ""
    arguments = [argument for argument in inspect.signature(PUBLIC[name]).parameters if argument != "self"]
    assert [argument for argument in arguments if f"`{argument}`" not in shown] == []


def test_the_methods_and_choices_that_help_names_are_those_that_there_are() -> None:
    shown = inspect.getdoc(interp.Model.explain) or ""
    for choices in (MethodName, Output, Part, Positions, ReferenceKind):
        assert [choice for choice in get_args(choices) if f'"{choice}"' not in shown] == []
    assert f"default {DEFAULT_TOLERANCE:.0e}".replace("e-03", "e-3") in shown
    assert f"at least {MIN_EVALUATIONS}, default {DEFAULT_MAX_EVALUATIONS}" in shown
