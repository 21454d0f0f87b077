"""The matrix of what is measured, and what each cell of it will cost: predicted before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from benchmarks.engines import NODES
from benchmarks.shapes import SHAPES, flops
from interp.engine.budget import MAX_TOKENS

__all__ = ["LIMIT", "STEPS", "Cell", "matrix", "predicted"]

LIMIT = 600.0
"""Seconds; a cell that is predicted to take longer is not run."""

STEPS = (50, 100, 200, 500, 1000, 1500, 2000, 2500, 3000, 4000, 5000, 6000, 8000, 10_000, 15_000, 20_000)
"""Among which Captum's for equal error are sought."""

TOKENS = (15, 64, 128, 512)
SENTENCES = (1, 8, 64)
PRECISIONS = {"cpu": ("float32",), "cuda": ("float32", "tf32")}
NOT_CONVERGING = ("sweep", "share")
"""Works without an error to control, where rounding decides nothing: bfloat16 is measured there for every model."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One benchmark. `against` as in the results; `device` as torch names it."""

    work: str
    model: str
    tokens: int
    sentences: int
    targets: int
    against: str | None
    device: str
    precision: str

    @property
    def id(self) -> str:
        parts = [self.model, f"{self.tokens}tokens", f"{self.sentences}x{self.targets}", self.device, self.precision]
        return "-".join([*parts, *([self.against] if self.against else [])])


Row = tuple[str, int, int, int, str | None]
"""Model, tokens, sentences, targets, against."""

DEFAULT: dict[str, tuple[Row, ...]] = {
    "layers": (
        ("open", 15, 1, 1, "captum-matched"),
        ("open", 15, 1, 1, "captum-50"),
        ("planted", 15, 1, 1, "captum-50"),
    ),
    "words": (("open", 15, 1, 1, "transformers-interpret"),),
    "words-default": (("open", 15, 1, 1, "transformers-interpret"),),
    "analysis": (("planted", 15, 1, 1, "captum-matched"),),
    "analysis-33": (("base", 15, 1, 1, "captum-50"),),
    "sweep": (
        ("planted", 15, 1, 1, "bare"),
        ("open", 15, 1, 1, "bare"),
        ("open", 64, 1, 1, "bare"),
        ("base", 15, 1, 1, "bare"),
    ),
    "share": (("base", 64, 8, 1, None),),
    "devices": (("open", 15, 64, 1, "cpu"), ("base", 64, 8, 1, "cpu")),
    "memory": (("base", 128, 1, 1, None),),
    "memory-1GiB": (),
    "sentences": tuple(("planted", 15, count, 1, None) for count in (1, 10, 100)),
    "targets": tuple(("open", 15, 1, count, None) for count in (1, 2, 5, 10)),
}


def _full(work: str) -> Iterator[Row]:
    trained = [name for name, shape in SHAPES.items() if shape.trained]
    if work in ("layers", "analysis"):
        for name, tokens, sentences in product(SHAPES, TOKENS, SENTENCES if work == "layers" else (1, 8)):
            yield name, tokens, sentences, 1, "captum-50"
            if name in trained:
                yield name, tokens, sentences, 1, "captum-matched"
    elif work == "analysis-33":
        yield from ((name, tokens, 1, 1, "captum-50") for name, tokens in product(("base", "large"), TOKENS))
    elif work in ("words", "words-default"):
        yield from (("open", tokens, 1, 1, "transformers-interpret") for tokens in TOKENS)
    elif work == "sweep":
        yield from ((name, tokens, 1, 1, "bare") for name, tokens in product(SHAPES, TOKENS))
    elif work in ("share", "devices"):
        against = "cpu" if work == "devices" else None
        models = SHAPES if work == "devices" else ("base", "large")
        yield from ((*sizes, 1, against) for sizes in product(models, TOKENS, SENTENCES))
    elif work in ("memory", "memory-1GiB"):
        yield from ((name, tokens, 1, 1, None) for name, tokens in product(("base", "large"), (128, 512)))
    elif work == "sentences":
        yield from ((name, 15, count, 1, None) for name, count in product(trained, (1, 10, 100, 1000)))
    elif work == "targets":
        yield from ((name, 15, 1, count, None) for name, count in product(("open", "base"), (1, 2, 5, 10)))


def matrix(work: str, devices: Sequence[str], full: bool) -> list[Cell]:
    """The cells of a work: the default selection, or all of them; the default ones first."""
    rows = list(dict.fromkeys([*DEFAULT[work], *(_full(work) if full else ())]))
    if work == "share" and not full and "cuda" in devices:
        rows.append(("base", 64, 64, 1, None))
    rows = [row for row in rows if row[1] <= SHAPES[row[0]].longest]
    cells = []
    for device, (model, tokens, sentences, targets, against) in product(devices, rows):
        precisions = list(PRECISIONS[device.partition(":")[0]])
        if full and (work in NOT_CONVERGING or (work == "layers" and against == "captum-50")):
            precisions.append("bfloat16")
        if work == "devices":
            precisions = precisions[-1:] if not full else precisions
        cells += [
            Cell(
                work=work,
                model=model,
                tokens=tokens,
                sentences=sentences,
                targets=targets,
                against=against,
                device=device,
                precision=precision,
            )
            for precision in precisions
        ]
    return cells


def predicted(cell: Cell, pairs: int, rate: Callable[[str, str], float]) -> float:
    """Seconds of a cell: warm-up and `pairs` runs of both engines, and the float64 reference where one is needed.

    `rate` tells a device's matrix products per second and precision; of it EFFICIENCY is reached, and every layer of
    a forward and backward costs what starting its kernels takes.
    """

    def seconds(rows: float, device: str, precision: str, targets: int = 1) -> float:
        kind = device.partition(":")[0]
        forwards = max(1.0, rows * cell.tokens / MAX_TOKENS[kind])
        arithmetic = rows * (1 + targets) * flops(cell.model, cell.tokens) / (EFFICIENCY * rate(device, precision))
        return arithmetic + forwards * SHAPES[cell.model].layers * STARTING[kind]

    paths = 1 if cell.work in ("layers", "words", "words-default", "sweep", "share", "devices") else 2
    nodes = sum(EXPECTED[:paths]) if SHAPES[cell.model].trained else 17 * paths
    nodes = len(NODES) * paths if cell.work in ("sweep", "analysis-33") else nodes
    own = seconds(cell.sentences * nodes, cell.device, cell.precision, cell.targets)
    calls = SHAPES[cell.model].layers + paths
    other = {
        None: 0.0,
        "bare": own,
        "cpu": seconds(cell.sentences * nodes, "cpu", "float32") if cell.against == "cpu" else 0.0,
        "captum-50": seconds(cell.sentences * calls * 50, cell.device, cell.precision),
        "captum-matched": seconds(cell.sentences * calls * MATCHED, cell.device, cell.precision),
        "transformers-interpret": seconds(50 * cell.tokens, cell.device, cell.precision),
    }[cell.against]
    search = seconds(calls * MATCHED * 0.15, cell.device, cell.precision) if cell.against == "captum-matched" else 0.0
    exact = 0.0
    if SHAPES[cell.model].trained and cell.work in ("layers", "analysis"):
        exact = 2 * seconds(paths * SHARP, cell.device, "float32")  # float64 runs at about half
    runs = pairs + (other < LIMIT / 20)  # what is dear is timed from its first run on
    return pairs * own + own + runs * other + search + exact


EFFICIENCY = 0.65
STARTING = {"cpu": 1e-3, "cuda": 4e-4}
EXPECTED = (33, 110)
"""Evaluations of a trained model's embedding and component path, within 1e-3."""
MATCHED = 3000
"""Captum's steps for the same error."""
SHARP = 300
"""Evaluations of a float64 reference."""
