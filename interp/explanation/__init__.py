"""The answer as frozen data, and its JSON: no model, no tensors."""

from interp.explanation.explanation import Explanation, View, distinct_names, normalised
from interp.explanation.parts import (
    Completeness,
    Components,
    Integration,
    Method,
    MethodCompleteness,
    ModelInfo,
    Reference,
    Run,
    Target,
    Values,
    Window,
    Word,
    Zoom,
)

__all__ = [
    "Completeness",
    "Components",
    "Explanation",
    "Integration",
    "Method",
    "MethodCompleteness",
    "ModelInfo",
    "Reference",
    "Run",
    "Target",
    "Values",
    "View",
    "Window",
    "Word",
    "Zoom",
    "distinct_names",
    "normalised",
]
