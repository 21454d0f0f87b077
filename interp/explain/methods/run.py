"""A method asked for, checked, run on one question, and told with its standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import torch
from torch import Tensor

from interp.engine.hooks import frozen
from interp.errors import InputError
from interp.explain.methods.score import Scorer, rows_within
from interp.explain.methods.table import METHODS, MethodSpec
from interp.explain.prepare import PreparedQuestion
from interp.explanation import Method, Values
from interp.models.tagger import Tagger

__all__ = [
    "INTEGRATED_GRADIENTS",
    "MethodRequest",
    "WordAttributions",
    "request_method",
    "required_packages",
    "run_method",
]

INTEGRATED_GRADIENTS = "integrated-gradients"


@dataclass(frozen=True)
class MethodRequest:
    """A method to run, checked: `samples` None for its default, or where nothing is drawn."""

    name: str
    samples: int | None
    seed: int

    @property
    def row(self) -> MethodSpec:
        return METHODS[self.name]


@dataclass(frozen=True)
class WordAttributions:
    """A value per word, special tokens included, what to say of the method, and the rows per forward."""

    values: Values
    method: Method
    rows: int


def request_method(name: str, samples: int | None = None, seed: int = 0) -> MethodRequest:
    """A method with its options, checked. Raises InputError for an unknown name, or what the method does not take."""
    if name not in METHODS:
        known = [INTEGRATED_GRADIENTS, *METHODS]
        near = get_close_matches(name, known, 1, 0.0)[0]
        raise InputError(f'Unknown method "{name}": choose one of {", ".join(known)} (did you mean "{near}"?).')
    row = METHODS[name]
    if samples is not None and row.samples is None:
        drawing = ", ".join(other for other, each in METHODS.items() if each.samples)
        raise InputError(f"The method {name} draws no samples: drop `samples`, or choose one that does: {drawing}.")
    if not 0 <= seed < 2**32:
        raise InputError(f"A seed of {seed} is out of range: choose one from 0 to {2**32 - 1}.")
    for package in row.packages:
        try:
            version(package)
        except PackageNotFoundError as error:
            raise InputError(f'The method {name} needs {package}: pip install "interp[methods]".') from error
    return MethodRequest(name, samples, seed)


def required_packages(method: Method | None) -> tuple[str, ...]:
    """What had a part in computing it, beside this package's own needs."""
    return METHODS[method.name].packages if method else ()


def run_method(
    tagger: Tagger, one: PreparedQuestion, wanted: MethodRequest, budget: int | None = None
) -> WordAttributions:
    """Attribute one question's tag to its words, in `budget` bytes. The model's state is the same afterwards, and so
    are the random number generators.

    Raises InputError for what the method cannot answer, RefusedError where the model cannot have it, DeviceError for
    too small a budget.
    """
    if one.case.zoom is not None:
        raise InputError(
            f"A zoom shows a word in every layer, and {wanted.name} gives the words alone: drop `zoom`, or use "
            f"{INTEGRATED_GRADIENTS}."
        )
    rows = rows_within(tagger, len(one.encoding.ids), budget, wanted.row.rows)
    with frozen(tagger.model):
        scorer = Scorer(tagger, one, rows)
        samples = _samples(wanted, len(scorer.switches))
        with torch.no_grad():
            at_input, at_reference = (float(scorer(state[None])) for state in (scorer.input, scorer.reference))
        with _seeded(wanted.seed, tagger.device):
            replicates = _replicates(scorer, wanted.row, samples)
    return WordAttributions(
        *_told(wanted, replicates, samples=samples, ends=(at_input, at_reference), evaluations=scorer.evaluations), rows
    )


def _replicates(scorer: Scorer, row: MethodSpec, samples: int) -> Tensor:
    if row.switches and not len(scorer.switches):  # the sentence is its own reference: no word can change F
        return torch.zeros(2, len(scorer.one.encoding.first), dtype=torch.float64)
    return row.attribute(scorer, samples).cpu()


def _told(
    wanted: MethodRequest, replicates: Tensor, samples: int, ends: tuple[float, float], evaluations: int
) -> tuple[Values, Method]:
    """The mean of the replicates and what to say of it."""
    row, means, errors, error = wanted.row, replicates.mean(0), None, None
    if row.samples is not None:
        root = len(replicates) ** 0.5
        errors = tuple((replicates.std(0) / root).tolist())
        error = float(replicates.sum(1).std() / root)
    residual = float(means.sum()) - (ends[0] - ends[1]) if row.signed else None
    parameters = {"samples": samples, **row.parameters} if row.samples else dict(row.parameters)
    method = Method(
        name=wanted.name,
        description=row.description,
        parameters=parameters,
        seed=wanted.seed if row.samples else None,
        signed=row.signed,
        complete=row.complete,
        at_input=ends[0],
        at_reference=ends[1],
        residual=residual,
        residual_error=error,
        evaluations=evaluations,
        errors=errors,
    )
    return tuple(means.tolist()), method


def _samples(wanted: MethodRequest, words: int) -> int:
    """How many to draw. Raises InputError when fewer are asked for than the method can work with."""
    row = wanted.row
    if row.samples is None:
        return 1
    chosen, fewest = row.samples(words) if wanted.samples is None else wanted.samples, row.fewest(words)
    if chosen < fewest:
        raise InputError(
            f"The method {wanted.name} needs {fewest} samples at least here, not {chosen}: raise `samples`."
        )
    return chosen


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the generators that Captum draws from, torch's on the CPU and NumPy's global one, and put them back."""
    state = np.random.get_state()
    devices = [device.index or 0] if device.type == "cuda" else []
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices))
        stack.callback(np.random.set_state, state)
        torch.default_generator.manual_seed(seed)
        np.random.seed(seed)
        yield
