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

from interp.engine.status import IntegrationStatus
from interp.question import INTEGRATED_GRADIENTS, Output, Positions, ReferenceKind

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure

__all__ = [
    "Completeness",
    "Components",
    "Explanation",
    "Integration",
    "Method",
    "ModelInfo",
    "Reference",
    "Run",
    "Target",
    "Window",
    "Word",
    "Zoom",
    "normalised",
]

View = Literal["words", "components", "layers", "zoom", "density"]
MethodCompleteness = Literal["exactly", "on average", "no"]
Values = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """Which model was explained."""

    name: str
    sha256: str
    """Of all that decides its answers: tensors, tokeniser, configuration, labels, adapter."""
    labels: tuple[str, ...]
    """The tag of each logit."""
    layers: int
    """How many there are."""
    notices: tuple[str, ...] = ()
    """What whoever reads its explanations should know of how it was loaded."""
    former_sha256: str = ""
    """As releases made it that left configuration and labels out; empty where that is not known."""


@dataclass(frozen=True, kw_only=True)
class Word:
    """One word or special token: what the model says of it, and what it gives to the target's tag."""

    index: int
    text: str
    special: bool
    tag: str | None
    """As the model predicts it; None for special tokens (a model is not asked there)."""
    probability: float | None
    """Of that tag."""
    attribution: float


@dataclass(frozen=True, kw_only=True)
class Target:
    """What was explained: the sum of `output` over `words` at `indices`, for `tags` (minus the same for `against`)."""

    words: tuple[str, ...]
    indices: tuple[int, ...]
    tags: tuple[str, ...]
    against: tuple[str, ...] | None
    probabilities: Values
    """Of `tags`, at the input."""
    output: Output
    predicted: tuple[str, ...]
    """The model's own tags."""
    true: tuple[str, ...] | None = None
    """Those that the user gave."""

    @property
    def text(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True)
class Reference:
    """Where attributions are measured from: `kind` of sentence, and `positions` on the component path; `token` is what
    every sub-token becomes, as the model's tokeniser calls it (None: not known, or of zeros).
    """

    kind: ReferenceKind
    positions: Positions
    token: str | None = None


@dataclass(frozen=True)
class Components:
    """Shares of the embedding tables, one value per word; None for a table that the model does not have (see
    `absent`).
    """

    word: Values | None
    position: Values | None
    token_type: Values | None

    @property
    def present(self) -> dict[str, Values]:
        """The tables that exist, by name."""
        tables = {"word": self.word, "position": self.position, "token_type": self.token_type}
        return {name: values for name, values in tables.items() if values is not None}


@dataclass(frozen=True)
class Zoom:
    """Attribution of every hidden dimension of one word: of the embedding block, and `layers[l][d]` of each layer."""

    word: str
    index: int
    embedding: Values
    layers: tuple[Values, ...]

    @property
    def rows(self) -> tuple[Values, ...]:
        """The embedding block, then every layer."""
        return (self.embedding, *self.layers)


@dataclass(frozen=True, kw_only=True)
class Integration:
    """How well one path was integrated; it speaks of the integral alone, not of the method or the reference."""

    at_input: float
    """F(input)."""
    at_reference: float
    """F(reference)."""
    residuals: Values
    """Sum of attributions − (at_input − at_reference): embedding first, then each layer; on the component path one
    number."""
    estimate: float
    """Estimated Σ|error| / Σ|attribution| over words, the worst of all layers or components."""
    tolerance: float
    """What the estimate was to reach."""
    evaluations: int
    """Rows that went forward and backward."""
    status: IntegrationStatus


@dataclass(frozen=True)
class Completeness:
    """The integration of both paths; `components` is None when the model has no tables to split, and both are when
    another method gave the attributions.
    """

    embedding: Integration | None
    components: Integration | None

    @property
    def paths(self) -> dict[str, Integration]:
        paths = {"embedding": self.embedding, "components": self.components}
        return {name: path for name, path in paths.items() if path is not None}

    @property
    def converged(self) -> bool:
        return all(path.status is IntegrationStatus.CONVERGED for path in self.paths.values())


@dataclass(frozen=True, kw_only=True)
class Method:
    """Another method than interp's integrated gradients, as Captum ran it, and what came of it beside the words."""

    name: str
    description: str
    """One sentence on what it measures."""
    parameters: Mapping[str, int | float]
    """What it ran with, by name."""
    seed: int | None
    """None where nothing is drawn."""
    signed: bool
    """False when attributions are magnitudes."""
    complete: MethodCompleteness
    """Whether by its definition, on models like this one, the attributions sum to F(input) − F(reference): exactly, on
    average over what is drawn, or not."""
    at_input: float
    """F(input)."""
    at_reference: float
    """F(reference)."""
    residual: float | None
    """Sum of attributions − (at_input − at_reference); None for magnitudes, whose unit is another."""
    residual_error: float | None
    """Its standard error; None where nothing is drawn."""
    evaluations: int
    """Rows that went through the model."""
    errors: Values | None
    """The standard error of every word; None where nothing is drawn."""


@dataclass(frozen=True)
class Window:
    """The part of a text that was explained, where all of it is more than the model reads: words `first` to `last`
    of `count`, the first word being 1. Indices elsewhere are those inside the window.
    """

    first: int
    last: int
    count: int


@dataclass(frozen=True, kw_only=True)
class Run:
    """What computed it. Same input, device, threads and rows per forward: the same bits."""

    device: str
    dtype: str
    threads: int
    rows_per_forward: int
    versions: Mapping[str, str] = field(default_factory=dict)


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

    def __post_init__(self) -> None:
        rows = [*self.layers, *(self.components.present.values() if self.components else ())]
        rows += [self.method.errors] if self.method and self.method.errors else []
        if any(len(row) != len(self.words) for row in rows):
            raise ValueError(f"every layer and component has one value per word, {len(self.words)} of them")
        if (self.method is None) == (self.completeness.embedding is None):
            raise ValueError("attributions come from integrated gradients, with an integration, or from another method")

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
        """The k words that speak most for the tag, as in `ranking`."""
        return self.ranking[:k]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write this explanation as an `interp.explanations/1` document; whole or not at all.

        Raises OutputError when the file cannot be written.
        """
        from interp.explanation.document import save

        save([self], path)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Explanation:
        """Read a document that holds one explanation (`interp.read` takes many). Raises FormatError for others."""
        from interp.explanation.document import load_one

        return load_one(path)

    def to_html(self) -> str:
        """One self-contained page: no network, no script needed to read it."""
        from interp.report.html.pages import explanations_page

        return explanations_page([self])

    def _repr_html_(self) -> str:
        from interp.report.html.pages import notebook_frame

        return notebook_frame(self)

    def plot(self, view: View = "words") -> Figure:
        """One of the five views as a matplotlib figure. Raises InputError when the explanation lacks that view."""
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
