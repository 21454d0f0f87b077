"""A bank of hard integrands with exact answers, posed as the engine meets a model.

Each unit u has a state h_u(α) and contributes f_u(h_u) to F = Σ f_u(h_u(α)), so that its attribution is exactly
f_u(h_u(1)) - f_u(h_u(0)), in both states the engine is shown: the input (a straight line, ∂F/∂x_u = f_u′ h_u′) and the
layer above it (h_u, with gradient f_u′). Nothing else is known to the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import erf

from interp.engine.paths import Block, IntegrationPath, Samples

torch.set_num_threads(1)  # the arrays are tiny

__all__ = [
    "BLIND",
    "CANCELLING",
    "DISCONTINUOUS",
    "HARD",
    "KINKS",
    "PLACES",
    "SMOOTH",
    "Problem",
    "Unit",
    "evaluator",
    "path",
    "random_kinks",
]

Array = npt.NDArray[np.float64]
Function = Callable[[Array], Array]


@dataclass(frozen=True)
class Unit:
    """h and its derivative in α; f and its derivative in h (the identity unless given)."""

    h: Function
    slope: Function
    f: Function = lambda h: h
    gain: Function = np.ones_like

    @property
    def attribution(self) -> float:
        start, end = self.f(self.h(np.array([0.0, 1.0])))
        return float(end - start)


@dataclass(frozen=True)
class Problem:
    name: str
    units: tuple[Unit, ...]
    scale: float = 1.0  # of F: errors are relative, so it must not matter

    @property
    def truth(self) -> Array:
        return self.scale * np.array([unit.attribution for unit in self.units])

    def __str__(self) -> str:
        return self.name


def path(problems: Sequence[Problem], dtype: torch.dtype = torch.float64) -> IntegrationPath:
    """A path from 0 to 1 in every unit, each problem a target; all have one number of units."""
    count = len(problems[0].units)
    return IntegrationPath(
        input=torch.ones(count, 1, dtype=dtype),
        reference=torch.zeros(count, 1, dtype=dtype),
        targets=len(problems),
        sums=lambda values: values,
        context=tuple(problems),
    )


@dataclass
class Evaluator:
    """The fake model: counts what it is asked, and can run out of memory or give NaN."""

    fits: int | None = None  # rows, more raise torch.OutOfMemoryError
    spoil: float | None = None  # an α at which F is NaN
    rows: int = 0
    backward: int = 0  # rows times targets
    most: int = 0
    calls: int = 0

    def __call__(self, blocks: Sequence[Block]) -> list[Samples]:
        size = sum(len(block.alphas) for block in blocks)
        if self.fits is not None and size > self.fits:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        self.calls, self.rows, self.most = self.calls + 1, self.rows + size, max(self.most, size)
        self.backward += sum(len(block.alphas) * len(block.targets) for block in blocks)
        return [self._samples(block) for block in blocks]

    def _samples(self, block: Block) -> Samples:
        alphas, like = np.array(block.alphas), block.path.input
        problems: tuple[Problem, ...] = block.path.context
        # Targets have the states of the first problem in common: only its f may differ.
        states = np.stack([unit.h(alphas) for unit in problems[0].units], 1)
        outputs, gradients = [], {}
        for number, problem in enumerate(problems):
            pairs = [(unit, unit.h(alphas)) for unit in problem.units]
            outputs.append(problem.scale * sum(unit.f(h) for unit, h in pairs))
            above = problem.scale * np.stack([unit.gain(h) for unit, h in pairs], 1)
            below = np.stack([unit.slope(alphas) for unit in problem.units], 1) * above
            if number in block.targets:
                gradients[number] = _rows(below, like), _rows(above, like)
        values = torch.from_numpy(np.stack(outputs, 1)).to(like.dtype).double()
        if self.spoil is not None:
            values[torch.tensor(block.alphas) == self.spoil] = torch.nan
        return Samples(block.alphas, values, (block.path.at(block.alphas), _rows(states, like)), gradients)


def evaluator(fits: int | None = None, spoil: float | None = None) -> Evaluator:
    return Evaluator(fits, spoil)


def _rows(values: Array, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(values).to(like.dtype)[..., None]


# --- units


def power(k: int, size: float = 1.0) -> Unit:
    return Unit(lambda a: size * a**k, lambda a: size * k * a ** (k - 1))


def step(at: float, steepness: float, size: float = 1.0) -> Unit:
    def slope(a: Array) -> Array:
        with np.errstate(over="ignore"):
            return size * steepness / np.cosh(steepness * (a - at)) ** 2

    return Unit(lambda a: size * np.tanh(steepness * (a - at)), slope)


def squared_step(at: float, steepness: float) -> Unit:
    """f bends as well: its gradient moves where the state does."""
    inner = step(at, steepness)
    return Unit(inner.h, inner.slope, lambda h: (1 + h) ** 2, lambda h: 2 * (1 + h))


def kink(at: float, size: float = 1.0) -> Unit:
    """ReLU, with autograd's derivative 0 at the kink."""
    return Unit(lambda a: size * np.maximum(a - at, 0), lambda a: size * (a > at).astype(float))


def kink_above(at: float, size: float = 1.0) -> Unit:
    """The state is straight and f has the kink."""
    return Unit(lambda a: a - at, np.ones_like, lambda h: size * np.maximum(h, 0), lambda h: size * (h > 0))


def slope_ends(size: float = 1.0) -> Unit:
    """Straight, but the gradient at α = 1 itself is 0, as of ReLU(1 − α)."""
    return Unit(lambda a: size * a, lambda a: size * (a < 1))


def gate(at: float, steepness: float, size: float = 1.0) -> Unit:
    """f = ReLU(1 − ReLU(steepness · (at − h))): two kinks, 1/steepness apart, on a straight state."""

    def f(h: Array) -> Array:
        return size * np.maximum(1 - np.maximum(steepness * (at - h), 0), 0)

    def gain(h: Array) -> Array:
        return size * steepness * ((h < at) & (h > at - 1 / steepness))

    return Unit(lambda a: 1.0 * a, np.ones_like, f, gain)


def corner(at: float) -> Unit:
    return Unit(lambda a: np.abs(a - at), lambda a: np.sign(a - at))


def wave(turns: float, size: float = 1.0) -> Unit:
    """Its two ends differ, so that it has an attribution to get right."""
    w = 2 * np.pi * turns
    return Unit(lambda a: size * (np.sin(w * a) + a), lambda a: size * (w * np.cos(w * a) + 1))


def root(shift: float) -> Unit:
    """√(α + shift): a derivative that grows towards α = 0, singular there as shift goes to 0."""
    return Unit(lambda a: np.sqrt(a + shift), lambda a: 0.5 / np.sqrt(a + shift))


def layer_norm(shift: float) -> Unit:
    """α / √(α² + shift²), what a LayerNorm makes of a path through (nearly) zero."""
    return Unit(lambda a: a / np.hypot(a, shift), lambda a: shift**2 / np.hypot(a, shift) ** 3)


def saturation(rate: float) -> Unit:
    return Unit(lambda a: 1 - np.exp(-rate * a), lambda a: rate * np.exp(-rate * a))


def bump(at: float, width: float, size: float = 1.0) -> Unit:
    def h(a: Array) -> Array:
        return size * np.exp(-(((a - at) / width) ** 2))

    return Unit(h, lambda a: -2 * (a - at) / width**2 * h(a))


def product_of(g: float) -> Unit:
    """A unit whose f is e^{g h} on a quadratic state."""
    return Unit(lambda a: a * (2 - a), lambda a: 2 - 2 * a, lambda h: np.exp(g * h), lambda h: g * np.exp(g * h))


def jump(at: float, size: float = 1.0) -> Unit:
    """A state that jumps; no derivative shows it."""
    return Unit(lambda a: size * (a > at), np.zeros_like)


def gradient_bump(at: float, width: float, size: float = 1.0) -> Unit:
    """A straight state whose gradient is 0 but for a bump of area `size`."""
    peak = size / (width * np.sqrt(np.pi))
    return Unit(
        lambda a: 1.0 * a,
        np.ones_like,
        lambda h: size / 2 * erf((h - at) / width),
        lambda h: peak * np.exp(-(((h - at) / width) ** 2)),
    )


# --- the bank

SMOOTH = (
    Problem("linear", (power(1), power(1, -0.4))),
    Problem("polynomial", (power(3), power(2, -0.7))),
    Problem("exponential", (product_of(1.5), product_of(-1.0))),
    Problem("oscillation, 2.2 turns", (wave(2.2), power(2))),
    Problem("tiny output", (product_of(1.5), step(0.4, 6)), scale=1e-9),
    Problem("huge output", (product_of(1.5), step(0.4, 6)), scale=1e9),
    *(Problem(f"step of 10 at {at:g}", (step(at, 10), power(2))) for at in (0.0, 0.1, 1 / 3, 0.5, 0.77, 1.0)),
    Problem("a wide bump that cancels in itself", (bump(0.4, 0.15), power(1))),
    Problem("saturation at the start", (saturation(30), power(1))),
)
HARD = (
    # At the first nodes every gradient is 0, but F moves: only the residual tells.
    Problem("a step too steep for its nodes", (step(0.3, 1e5), jump(2.0))),
    Problem("a narrow bump of the gradient that moves F", (gradient_bump(0.2, 1e-3), jump(2.0))),
    *(
        Problem(f"step of {k} at {at:.4g}", (step(at, k), power(2)))
        for k in (100, 1000)
        for at in (0.1, 1 / 3, 0.5, 0.77, 0.999)
    ),
    *(Problem(f"squared step of {k}", (squared_step(0.37, k), power(1, 0.2))) for k in (30, 300)),
    *(Problem(f"ReLU kink at {at:.4g}", (kink(at), power(2, 0.3))) for at in (0.25, 1 / 3, 0.5, 0.9)),
    Problem("ReLU kink at the start", (kink(0.0), kink_above(0.0), power(2, 0.3))),
    Problem("slopes that end at the end", (slope_ends(), slope_ends(-0.3), power(2, 0.3))),
    Problem("a gate that opens late and kinks at both ends", (gate(0.4, 100), kink(0.0), slope_ends())),
    Problem("a kink in f alone", (kink_above(0.3), power(2, 0.3))),
    Problem("|α - 0.3|", (corner(0.3), power(1))),
    Problem("kinks of either sign", (kink(0.21), kink(0.57, -2))),
    Problem("oscillation, 9.3 turns", (wave(9.3), power(1))),
    Problem("oscillation, 40.7 turns", (wave(40.7), power(1))),
    *(Problem(f"LayerNorm near zero, {s:g}", (layer_norm(s), power(1))) for s in (1e-1, 1e-2, 1e-4)),
    *(Problem(f"root singular at {-s:g}", (root(s), power(1))) for s in (1e-2, 1e-6)),
    Problem("saturation at once", (saturation(1000), power(1))),
    Problem("a bump of width 0.03", (bump(0.4, 0.03), power(1))),
)
KINKS = (
    Problem("ReLUs of a zero reference", tuple(kink(0.0, size) for size in (1.0, -0.6, 0.2))),
    Problem("ReLUs that close at the input", tuple(slope_ends(size) for size in (1.0, -0.6, 0.2))),
    Problem("ReLUs that open where panels meet", tuple(kink(0.5, size) for size in (1.0, -0.6, 0.2))),
)
"""Straight inside every panel: only the gradient at its ends, which is not the limit from inside, is wrong there."""

CANCELLING = (
    Problem("steps of 10 that cancel in F", (step(0.3, 10), step(0.3, 10, -1), power(2))),
    Problem("steps of 25 that cancel in F", (step(0.3, 25), step(0.3, 25, -1), power(2))),
    Problem("kinks that cancel in F", (kink(0.3), kink(0.3, -1), power(1, 0.3))),
)
"""The residual is blind to errors that cancel; the nested rule sees them."""

PLACES: Mapping[str, Callable[[np.random.Generator], float]] = {
    "the start": lambda _: 0.0,
    "the end": lambda _: 1.0,
    "the middle": lambda _: 0.5,
    "eighths": lambda rng: rng.integers(8) / 8,
    "anywhere": lambda rng: rng.random(),
    "the start or anywhere": lambda rng: 0.0 if rng.random() < 0.4 else rng.random(),
}
"""Where the kinks of a random sum lie."""


def random_kinks(place: str, seed: int) -> Problem:
    """Up to six units, most of which kink at `place`; in half of the problems two more that nearly cancel in F."""
    rng = np.random.default_rng([seed, list(PLACES).index(place)])
    at = PLACES[place]
    units = []
    for _ in range(rng.integers(2, 7)):
        size = rng.normal()
        shape = rng.integers(5)
        if shape == 0:
            units.append(power(int(rng.integers(1, 4)), size))
        elif at(rng) == 1.0:
            units.append(slope_ends(size))
        elif shape == 1:
            units.append(gate(rng.uniform(0.05, 1), 100, size))
        elif shape == 2:
            units.append(kink_above(at(rng), size))
        else:
            units.append(kink(at(rng), size))
    if rng.random() < 0.5:
        common, size = min(at(rng), 0.95), rng.normal()
        units += [kink_above(common, size), kink_above(common, -size * (1 - 10 ** rng.uniform(-3, 0)))]
    return Problem(f"kinks at {place}, {seed}", tuple(units))


DISCONTINUOUS = (
    Problem("a jump", (jump(0.3), power(1))),
    Problem("a jump and nothing else", (jump(0.3), jump(2.0))),
)
"""No gradient of the input ever shows the jump of F: the residual stays, and convergence must not be said."""

BLIND = (
    Problem("a bump between the nodes", (gradient_bump(0.2, 1e-3), gradient_bump(0.2, 1e-3, -1), power(1))),
    Problem("steps of 200 that cancel in F", (step(0.3, 200), step(0.3, 200, -1), power(2))),
)
"""No rule can see these: at no node does anything differ from a straight line, and F is the same on both sides."""
