"""Why did the model tag this word so? Attributions for named-entity models, each with its integration error.

`load(name_or_path)` gives a model whose `explain(text, target=…)` gives an `Explanation`; `attribute` is the core
on any torch module. Names are imported when they are first used, so that `import interp` does not load torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interp.engine.attribute import Attribution as Attribution
    from interp.engine.attribute import attribute as attribute
    from interp.engine.status import IntegrationStatus as IntegrationStatus
    from interp.errors import InterpError as InterpError
    from interp.explain import Model as Model
    from interp.explain import load as load
    from interp.explanation import Explanation as Explanation
    from interp.explanation import Explanations as Explanations
    from interp.explanation.document import read as read
    from interp.explanation.document import save as save
    from interp.question import Question as Question

_HOMES = {
    "Attribution": "interp.engine.attribute",
    "Explanation": "interp.explanation",
    "Explanations": "interp.explanation",
    "IntegrationStatus": "interp.engine.status",
    "InterpError": "interp.errors",
    "Model": "interp.explain",
    "Question": "interp.question",
    "attribute": "interp.engine.attribute",
    "load": "interp.explain",
    "read": "interp.explanation.document",
    "save": "interp.explanation.document",
}

__all__ = [
    "Attribution",
    "Explanation",
    "Explanations",
    "IntegrationStatus",
    "InterpError",
    "Model",
    "Question",
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
