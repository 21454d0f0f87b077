"""A method asked for, checked, run on one question, and described with its standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import torch
from torch import Tensor

from interp.engine.budget import default_budget, rows_within
from interp.engine.hooks import frozen
from interp.errors import InputError
from interp.explain.methods.score import Scorer
from interp.explain.methods.table import METHODS, MethodSpec
from interp.explain.prepare import PreparedQuestion
from interp.explanation import Method, Values
from interp.models.tagger import Tagger
from interp.question import INTEGRATED_GRADIENTS
from interp.versions import install_command

__all__ = ["MethodRequest", "WordAttributions", "request_method", "required_packages", "run_method"]


@dataclass(frozen=True)
class MethodRequest:
    """A method to run, checked: `samples` None for its default, or where nothing is drawn."""

    name: str
    samples: int | None
    seed: int

    @property
    def spec(self) -> MethodSpec:
        return METHODS[self.name]


@dataclass(frozen=True)
class WordAttributions:
    """A value per word, special tokens included, what to say of the method, and the rows per forward."""

    values: Values
    method: Method
    rows: int


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """What running a method gave: `replicates` (n, units), from `samples` draws each, and F at both ends."""

    replicates: Tensor
    samples: int
    at_input: float
    at_reference: float
    evaluations: int


def request_method(name: str, samples: int | None = None, seed: int = 0) -> MethodRequest:
    """A method with its options, checked. Raises InputError for an unknown name, or what the method does not take."""
    if name not in METHODS:
        known = [INTEGRATED_GRADIENTS, *METHODS]
        near = get_close_matches(name, known, 1, 0.0)[0]
        raise InputError(f'Unknown method "{name}": choose one of {", ".join(known)} (did you mean "{near}"?).')
    spec = METHODS[name]
    if samples is not None and spec.samples is None:
        drawing = ", ".join(other for other, other_spec in METHODS.items() if other_spec.samples)
        raise InputError(f"The method {name} draws no samples: drop `samples`, or choose one that does: {drawing}.")
    check_seed(seed)
    for package in spec.packages:
        try:
            version(package)
        except PackageNotFoundError as error:
            raise InputError(f"The method {name} needs {package}: {install_command('methods')}") from error
    return MethodRequest(name, samples, seed)


def check_seed(seed: int) -> None:
    """Raises InputError for what no generator takes."""
    if not 0 <= seed < 2**32:
        raise InputError(f"A seed of {seed} is out of range: choose one from 0 to {2**32 - 1}.")


def required_packages(method: Method | None) -> tuple[str, ...]:
    """What had a part in computing it, beside this package's own needs."""
    return METHODS[method.name].packages if method else ()


def run_method(
    tagger: Tagger, prepared: PreparedQuestion, request: MethodRequest, budget: int | None = None
) -> WordAttributions:
    """Attribute one question's tag to its words, in `budget` bytes. The model's state is the same afterwards, and so
    are the random number generators.

    Raises InputError for what the method cannot answer, MethodRefusedError where the model cannot have it, DeviceError
    for too small a budget.
    """
    if prepared.zoom is not None:
        raise InputError(
            f"A zoom shows a word in every layer, and {request.name} gives the words alone: drop `zoom`, or use "
            f"{INTEGRATED_GRADIENTS}."
        )
    if len(prepared.references) > 1:
        raise InputError(
            f"{request.name} is run from one reference: choose pad, mask, unk or zero, or use {INTEGRATED_GRADIENTS}."
        )
    rows = _rows_within(tagger, len(prepared.encoding.ids), budget, least=request.spec.rows)
    with frozen(tagger.model):
        measured = _measure(tagger, Scorer(tagger, prepared, rows), request)
    means = measured.replicates.mean(0)
    return WordAttributions(tuple(means.tolist()), _describe(request, measured, means), rows)


def _rows_within(tagger: Tagger, length: int, budget: int | None, *, least: int) -> int:
    row = tagger.cost(length, 1, layers=False).row
    device = tagger.device
    return rows_within(budget or default_budget(device), length, row, device=device.type, least=least)


def _measure(tagger: Tagger, scorer: Scorer, request: MethodRequest) -> _Measured:
    spec = request.spec
    samples = _sample_count(request, len(scorer.switches))
    with torch.no_grad():
        at_input, at_reference = (float(scorer(state[None])) for state in (scorer.input, scorer.reference))
    with _seeded(request.seed, tagger.device):
        if spec.switches and not len(scorer.switches):  # the sentence is its own reference: no word can change F
            replicates = torch.zeros(2, scorer.unit_count, dtype=torch.float64)
        else:
            replicates = spec.attribute(scorer, samples).cpu()
    return _Measured(
        replicates=replicates,
        samples=samples,
        at_input=at_input,
        at_reference=at_reference,
        evaluations=scorer.evaluations,
    )


def _describe(request: MethodRequest, measured: _Measured, means: Tensor) -> Method:
    """What to say of a method beside the means of its replicates."""
    spec, replicates = request.spec, measured.replicates
    draws = spec.samples is not None
    root = len(replicates) ** 0.5
    change = measured.at_input - measured.at_reference
    return Method(
        name=request.name,
        description=spec.description,
        parameters={"samples": measured.samples, **spec.parameters} if draws else dict(spec.parameters),
        seed=request.seed if draws else None,
        signed=spec.signed,
        complete=spec.complete,
        at_input=measured.at_input,
        at_reference=measured.at_reference,
        residual=float(means.sum()) - change if spec.signed else None,
        residual_error=float(replicates.sum(1).std() / root) if draws else None,
        evaluations=measured.evaluations,
        errors=tuple((replicates.std(0) / root).tolist()) if draws else None,
    )


def _sample_count(request: MethodRequest, words: int) -> int:
    """How many to draw. Raises InputError when fewer are asked for than the method can work with."""
    spec = request.spec
    if spec.samples is None:
        return 1
    count = spec.samples(words) if request.samples is None else request.samples
    fewest = spec.fewest(words)
    if count < fewest:
        raise InputError(
            f"The method {request.name} needs {fewest} samples at least here, not {count}: raise `samples`."
        )
    return count


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
