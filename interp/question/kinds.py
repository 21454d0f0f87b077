"""Kinds of entities that right tags and a model do not share: F1 cannot be right on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from interp.question.tags import OUTSIDE, find_entities, kind_of

__all__ = ["KindMismatch", "compare_kinds"]

_SHORTEST = 3
"""Letters that one name must share with the other from its beginning to be proposed for it."""


@dataclass(frozen=True, kw_only=True)
class KindMismatch:
    """What right tags and a model name differently, or alone."""

    entities: int
    """Right ones, of all kinds."""
    unknown_to_model: Mapping[str, int]
    """Kinds of right entities that the model lacks, and how many each has."""
    without_gold: tuple[str, ...]
    """Kinds of the model that no right entity is of."""
    kinds: tuple[str, ...]
    """Those of the model."""

    @property
    def missed(self) -> int:
        """Right entities that the model cannot find."""
        return sum(self.unknown_to_model.values())

    @property
    def sentence(self) -> str | None:
        """For the user, with the remedy; None where both have the same kinds."""
        parts = []
        if self.unknown_to_model:
            counts = ", ".join(f"{kind} {count}" for kind, count in self.unknown_to_model.items())
            parts.append(
                f"{self.missed} of {self.entities} right entities are of kinds that the model lacks ({counts}); it has "
                f"{', '.join(self.kinds) or 'none'}: say which mean the same, or O to leave them out, as in "
                f"?map={','.join(self._proposals())}."
            )
        if self.without_gold and self.entities:
            parts.append(f"No right entity is of {', '.join(self.without_gold)}, which the model has.")
        return " ".join(parts) or None

    def _proposals(self) -> list[str]:
        """`PERSON=PER` where a name begins with the other; for other kinds a person has to say."""
        proposals = []
        for kind in self.unknown_to_model:
            partner = next((own for own in self.kinds if _alike(kind, own)), "…")
            proposals.append(f"{kind}={partner}")
        return proposals


def compare_kinds(gold: Iterable[Sequence[str | None] | None], labels: Sequence[str]) -> KindMismatch:
    """Right tags of all sentences (None where a sentence has none) held against the labels of a model."""
    counts = Counter(entity.kind for tags in gold if tags is not None for entity in find_entities(tags))
    kinds = dict.fromkeys(kind_of(label) for label in labels)
    kinds.pop(OUTSIDE, None)
    return KindMismatch(
        entities=counts.total(),
        unknown_to_model={kind: count for kind, count in counts.most_common() if kind not in kinds},
        without_gold=tuple(kind for kind in kinds if kind not in counts),
        kinds=tuple(kinds),
    )


def _alike(kind: str, own: str) -> bool:
    shorter, longer = sorted((kind.casefold(), own.casefold()), key=len)
    return len(shorter) >= _SHORTEST and longer.startswith(shorter)
