"""What a user asks, without torch: a sentence, the words meant, tags and the entities that they spell."""

from interp.question.question import (
    INTEGRATED_GRADIENTS,
    ConstantReference,
    MethodName,
    Output,
    Part,
    Positions,
    Question,
    ReferenceKind,
    Tags,
)

__all__ = [
    "INTEGRATED_GRADIENTS",
    "ConstantReference",
    "MethodName",
    "Output",
    "Part",
    "Positions",
    "Question",
    "ReferenceKind",
    "Tags",
]
