"""Why did the model tag this word so? Attributions for named-entity models, each with its integration error.

`load(name_or_path)` gives a model whose `explain(text, target=…)` gives an `Explanation`; `attribute` is the core
on any torch module. Names are imported when they are first used, so that `import interp` does not load torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interp.attribution import Attribution as Attribution
    from interp.attribution import attribute as attribute
    from interp.document import read as read
    from interp.document import save as save
    from interp.errors import InterpError as InterpError
    from interp.explain import Model as Model
    from interp.explain import load as load
    from interp.explanation import Explanation as Explanation
    from interp.quadrature import Status as Status
    from interp.questions import Case as Case

_HOMES = {
    "Attribution": "interp.attribution",
    "Case": "interp.questions",
    "Explanation": "interp.explanation",
    "InterpError": "interp.errors",
    "Model": "interp.explain",
    "Status": "interp.quadrature",
    "attribute": "interp.attribution",
    "load": "interp.explain",
    "read": "interp.document",
    "save": "interp.document",
}

__all__ = [
    "Attribution",
    "Case",
    "Explanation",
    "InterpError",
    "Model",
    "Status",
    "attribute",
    "load",
    "read",
    "save",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
