"""An explanation as frozen data: no model, no tensors, no I/O (the methods that draw or write import those late).

Units: every attribution is in units of the explained output (a logit, nats for a log-probability, or a
probability), and signed: positive speaks for the tag. Raw sums are the primary numbers, because they are complete:
over all words they sum to F(input) − F(reference). Per-word lists include the special tokens, so that [CLS] is word
0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from interp.errors import bare, quoted
from interp.explanation.faithfulness import Faithfulness
from interp.explanation.parts import (
    Completeness,
    Components,
    Integration,
    Method,
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
from interp.question import INTEGRATED_GRADIENTS
from interp.question.tags import RATHER_THAN

if TYPE_CHECKING:
    import os

    import numpy as np
    import numpy.typing as npt
    from matplotlib.figure import Figure
    from pandas import DataFrame

__all__ = ["ArrayName", "Explanation", "TableName", "View", "distinct_names", "normalised"]

ArrayName = Literal["words", "components", "layers", "zoom"]
TableName = Literal["words", "layers"]
View = Literal["words", "components", "layers", "zoom", "density"]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a model gives a word its tag: word attributions, table shares and every layer's conductance.

    Sources: integrated gradients (arXiv 1703.01365) for words and components, conductance (arXiv 1805.12233) for
    layers. With another `method` there are words alone.
    """

    model: ModelInfo
    text: str
    words: tuple[Word, ...]
    """Special tokens included, so that [CLS] is word 0."""
    target: Target
    reference: Reference
    components: Components | None
    layers: tuple[Values, ...]
    """`layers[l][w]` is the conductance of transformer layer l + 1 for word w. Each layer's sum is the same F(input) −
    F(reference): it shows where the evidence sits, not how much a layer adds."""
    zoom: Zoom | None
    completeness: Completeness
    run: Run
    absent: Mapping[str, str] = field(default_factory=dict)
    """Parts that are missing, and why."""
    window: Window | None = None
    """None where all of the text was explained."""
    method: Method | None = None
    """None for integrated gradients."""
    faithfulness: Faithfulness | None = None
    """None where that was not checked."""
    sampling: Sampling | None = None
    """None where there is one reference."""

    def __post_init__(self) -> None:
        rows = [*self.layers, *(self.components.present.values() if self.components else ())]
        rows += [self.errors] if self.errors else []
        if any(len(row) != len(self.words) for row in rows):
            raise ValueError(f"every layer and component has one value per word, {len(self.words)} of them")
        if (self.method is None) == (self.completeness.embedding is None):
            raise ValueError("attributions come from integrated gradients, with an integration, or from another method")

    def __repr__(self) -> str:
        target, path = self.target, self.completeness.embedding
        tags = " ".join(target.tags) + (f"{RATHER_THAN}{' '.join(target.against)}" if target.against else "")
        answer = f"error {path.estimate:.0e}, {path.status.value}" if path else self.method_name
        return (
            f"<Explanation of {quoted(target.text)} as {bare(tags)} in {quoted(self.text, 36)} "
            f"by {bare(self.model.name)}: F {self.at_input:.3g}, reference {self.reference.kind}, {answer}>"
        )

    @property
    def integration(self) -> Integration:
        """The integration of the embedding path. Raises ValueError for another method, which integrates nothing."""
        if self.completeness.embedding is None:
            raise ValueError(f"{self.method_name} integrates nothing: explain with integrated gradients")
        return self.completeness.embedding

    @property
    def method_name(self) -> str:
        """What gave the word attributions."""
        return INTEGRATED_GRADIENTS if self.method is None else self.method.name

    @property
    def at_input(self) -> float:
        """F(input), in units of the output."""
        return (self.method or self.integration).at_input

    @property
    def at_reference(self) -> float:
        """F(reference), in units of the output."""
        return (self.method or self.integration).at_reference

    @property
    def attributions(self) -> Values:
        """One value per word, special tokens included."""
        return tuple(word.attribution for word in self.words)

    @property
    def errors(self) -> Values | None:
        """The standard error of every word's attribution; None where nothing is drawn."""
        drawing = self.sampling or self.method
        return None if drawing is None else drawing.errors

    @property
    def sampling_error(self) -> float | None:
        """Σ standard error / Σ|attribution| over words; None where nothing is drawn."""
        if self.errors is None:
            return None
        mass = math.fsum(map(abs, self.attributions))
        return math.fsum(self.errors) / mass if mass else 0.0

    @property
    def score(self) -> float:
        """The attribution score: the sum of all word attributions."""
        return math.fsum(self.attributions)

    @property
    def ranked(self) -> tuple[Word, ...]:
        """Words that are not special tokens, the one that speaks most for the tag first; ties in sentence order."""
        words = (word for word in self.words if not word.special)
        return tuple(sorted(words, key=lambda word: -word.attribution))

    @property
    def weightiest(self) -> tuple[Word, ...]:
        """Words that are not special tokens, the largest |attribution| first; ties in sentence order."""
        return tuple(sorted(self.ranked, key=lambda word: (-abs(word.attribution), word.index)))

    @property
    def ranking(self) -> list[str]:
        """`ranked` as text; a word that occurs more than once carries its number, as in `Rob#2`."""
        names = distinct_names([word.text for word in self.words])
        return [names[word.index] for word in self.ranked]

    def top(self, k: int = 1) -> list[str]:
        """The `k` words that speak most for the tag, as in `ranking`."""
        return self.ranking[:k]

    def to_dataframe(self, table: TableName = "words") -> DataFrame:
        """One row per word, special tokens included, as a pandas table.

        `table`: "words" has the columns `index` ([CLS] is 0), `word`, `special`, `tag` and `probability` (the model's
        own; missing for special tokens), `attribution`; `error`, the standard error, where something is drawn; and
        `word_table`, `position_table`, `token_type_table`, the shares of the embedding tables that there are. "layers"
        has `index`, `word`, `special` and `layer 1` …, the conductance of each layer. Numbers are in units of the
        output. Raises InputError for an unknown table, and for "layers" where the explanation has none.
        """
        from interp.explanation.tables import table_of

        return table_of(self, table)

    def to_numpy(self, array: ArrayName = "words") -> npt.NDArray[np.float64]:
        """Attributions as a float64 array of its own, in units of the output; special tokens included.

        `array`: "words" of shape (words,), "components" (tables that there are, words), "layers" (layers, words) or
        "zoom" (1 + layers, hidden dimensions), whose first row is the embedding block. Raises InputError for an
        unknown one, and where the explanation has none.
        """
        from interp.explanation.tables import array_of

        return array_of(self, array)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write this explanation as an `interp.explanations/1` document; whole or not at all.

        `path`: of the file. Raises OutputError when it cannot be written.
        """
        from interp.explanation.document import save

        save([self], path)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Explanation:
        """Read a document that holds one explanation (`interp.read` takes many).

        `path`: of the file. Raises FormatError for any other.
        """
        from interp.explanation.document import load_one

        return load_one(path)

    def to_html(self) -> str:
        """One self-contained page: no network, no script needed to read it."""
        from interp.report.html.pages import explanations_page

        return explanations_page([self])

    def _repr_html_(self) -> str:
        from interp.report.html.pages import notebook_frame

        return notebook_frame([self])

    def plot(self, view: View = "words") -> Figure:
        """One of the five views as a matplotlib figure, which a notebook shows and no window.

        `view`: "words", "components", "layers", and of a zoomed word "zoom" (box plots) or "density" (histograms).
        Raises InputError for an unknown view, and when the explanation lacks it.
        """
        from interp.report.figures.save import draw_figure

        return draw_figure(self, view)


def distinct_names(words: Sequence[str]) -> list[str]:
    """Names that tell words apart: the word itself, or `word#n` where it occurs more than once."""
    counts, numbers = Counter(words), Counter[str]()
    names = []
    for word in words:
        numbers[word] += 1
        names.append(word if counts[word] == 1 else f"{word}#{numbers[word]}")
    return names


def normalised(values: Sequence[float]) -> Values:
    """Values divided by their L2 norm, as the article published them; zeros stay zeros."""
    norm = math.hypot(*values)
    return tuple(value / norm if norm else 0.0 for value in values)
