"""What an explanation is made of, as frozen data.

Units: every attribution is in units of the explained output (a logit, nats for a log-probability, or a
probability), and signed: positive speaks for the tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from interp.engine.status import IntegrationStatus
from interp.errors import counted, quoted
from interp.question import Output, Positions, ReferenceKind

__all__ = [
    "Completeness",
    "Components",
    "Integration",
    "Method",
    "MethodCompleteness",
    "ModelInfo",
    "Reference",
    "Run",
    "Sampling",
    "Target",
    "Values",
    "Window",
    "Word",
    "Zoom",
]

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
class Sampling:
    """What averaging over a sample of references leaves uncertain, beside the integration error."""

    references: int
    """How many there were."""
    errors: Values
    """The standard error of every word's attribution, in units of the output."""
    reference_error: float
    """The standard error of F(reference)."""


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

    def __repr__(self) -> str:
        sizes = f"{counted(len(self.embedding), 'dimension')}, embedding and {counted(len(self.layers), 'layer')}"
        return f"<Zoom into {quoted(self.word)} @{self.index}: {sizes}>"

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

    @property
    def settled(self) -> bool:
        """Whether every path converged, or missed the tolerance only where there is next to nothing to explain."""
        return all(path.status.settled for path in self.paths.values())


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
    """The float type that it was computed in."""
    threads: int
    rows_per_forward: int
    versions: Mapping[str, str] = field(default_factory=dict)
    loaded_dtype: str | None = None
    """The float type that the model was loaded in, where its rounding kept the integration from its tolerance, so that
    it was done anew in `dtype`."""
