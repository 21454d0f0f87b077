"""Nodes, weights and differentiation on Chebyshev points: rules as data, apart from the algorithm that uses them.

Sources: Trefethen, Spectral Methods in MATLAB (2000), ch. 6 (differentiation) and ch. 12 (Clenshaw–Curtis weights);
Berrut & Trefethen, Barycentric Lagrange Interpolation (2004) for the barycentric weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["Rule", "chebyshev_rule", "error_when_refined"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rule:
    """Interpolation through `nodes` on [0, 1], both ends included: `weights @ f` integrates it, `derivative @ f`
    differentiates it.

    Exact for polynomials of degree below the number of nodes. `nodes[::2]` are the nodes of the rule nested in this
    one. `pairs[i, j]` is the weight of g(node i) · h(node j) in ∫ g h′; `nested` is the same for the nested rule,
    zero elsewhere.
    """

    nodes: Array
    weights: Array
    derivative: Array
    pairs: Array
    nested: Array


@cache
def chebyshev_rule(points: int) -> Rule:
    """The rule on `points` Chebyshev points (an odd number, at least 3)."""
    if points < 3 or points % 2 == 0:
        raise ValueError(f"a panel has an odd number of points, at least 3, not {points}")
    degree = points - 1
    nodes = _chebyshev_nodes(degree)
    weights = _clenshaw_curtis_weights(degree)
    derivative = _differentiation_matrix(nodes)
    nested = np.zeros((points, points))
    if degree % 4 == 0:
        nested[::2, ::2] = chebyshev_rule(degree // 2 + 1).pairs
    return Rule(nodes=nodes, weights=weights, derivative=derivative, pairs=weights[:, None] * derivative, nested=nested)


def _chebyshev_nodes(degree: int) -> Array:
    """degree + 1 points of [0, 1], by sin² instead of (1 − cos)/2: exact at 0, 1/2 and 1, accurate near the ends, and
    bitwise equal in the nested rule.
    """
    lower = np.sin(0.5 * np.pi * (np.arange(degree // 2 + 1) / degree)) ** 2
    lower[-1] = 0.5
    return np.concatenate([lower, 1 - lower[-2::-1]])


def _clenshaw_curtis_weights(degree: int) -> Array:
    """Weights on the Chebyshev points of [0, 1]: the integrals of the cosine series that interpolates."""
    points, frequencies = np.arange(degree + 1), np.arange(0, degree + 1, 2)
    halved_ends = np.where((frequencies == 0) | (frequencies == degree), 0.5, 1.0)
    series = halved_ends / (1.0 - frequencies**2)
    weights = np.cos(np.pi * np.outer(points, frequencies) / degree) @ series * (2 / degree)
    weights[[0, degree]] /= 2
    return np.asarray(weights)


def _differentiation_matrix(nodes: Array) -> Array:
    """From barycentric weights; the diagonal makes rows sum to 0, so that constants vanish."""
    last = len(nodes) - 1
    barycentric = (-1.0) ** np.arange(last + 1)
    barycentric[[0, last]] /= 2
    gaps = nodes[:, None] - nodes[None, :]
    np.fill_diagonal(gaps, 1)
    matrix = barycentric[None, :] / barycentric[:, None] / gaps
    np.fill_diagonal(matrix, 0)
    np.fill_diagonal(matrix, -matrix.sum(1))
    return np.asarray(matrix)


def error_when_refined(error: npt.ArrayLike) -> Array:
    """The relative error that a rule of twice the points is expected to have at most."""
    return np.asarray(0.3 * np.asarray(error) ** 1.5)
