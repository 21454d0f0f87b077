"""The answer as frozen data, and its JSON: no model, no tensors."""

from interp.explanation.explanation import ArrayName, Explanation, TableName, View, distinct_names, normalised
from interp.explanation.explanations import Explanations
from interp.explanation.faithfulness import Estimate, Faithfulness, Verdict
from interp.explanation.parts import (
    Completeness,
    Components,
    Integration,
    Method,
    MethodCompleteness,
    ModelInfo,
    Reference,
    Run,
    Sampling,
    Target,
    Values,
    Window,
    Word,
    Zoom,
)

__all__ = [
    "ArrayName",
    "Completeness",
    "Components",
    "Estimate",
    "Explanation",
    "Explanations",
    "Faithfulness",
    "Integration",
    "Method",
    "MethodCompleteness",
    "ModelInfo",
    "Reference",
    "Run",
    "Sampling",
    "TableName",
    "Target",
    "Values",
    "Verdict",
    "View",
    "Window",
    "Word",
    "Zoom",
    "distinct_names",
    "normalised",
]
