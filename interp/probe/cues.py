"""What a model may lean on: words, endings, a way of writing, a place in the sentence; and the edits that show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from interp.probe.sites import FORMS, INSERTIONS, SPOTS, Edit, Place

__all__ = ["Cue", "CueKind", "forms_and_spots"]

CueKind = Literal["words", "ending", "form", "spot"]


@dataclass(frozen=True)
class Cue:
    """`text` of words (parted by spaces) or an ending; of a form or spot, the name of its place."""

    kind: CueKind
    text: str

    @property
    def shown(self) -> str:
        """As in "takes … for a sign of B-PER"."""
        match self.kind:
            case "words":
                return f"`{self.text}`"
            case "ending":
                return f"the ending -{self.text}"
            case "form":
                return f"being written {Place[self.text].value}"
        return f"standing {Place[self.text].value}"

    @property
    def name(self) -> str:
        """How a person names it: words, "-vex" for an ending, "form:UPPER", "spot:FIRST"."""
        return {"words": self.text, "ending": f"-{self.text}"}.get(self.kind, f"{self.kind}:{self.text}")

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.text.split(" "))

    @property
    def sketch(self) -> tuple[Edit, ...]:
        """A few edits that reach most places at once: to see whether more is worth asking."""
        if self.kind != "words":
            return self.edits
        return Edit(Place.AROUND, self.words), Edit(Place.ENDS, self.words)

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Every edit, each at one place."""
        match self.kind:
            case "words":
                return tuple(Edit(place, self.words) for place in INSERTIONS)
            case "ending":
                return (Edit(Place.SUFFIX, (self.text,)),)
        return (Edit(Place[self.text]),)


def forms_and_spots() -> list[Cue]:
    """Cues that are no words: few, so they are always asked about."""
    return [*(Cue("form", place.name) for place in FORMS), *(Cue("spot", place.name) for place in SPOTS)]
