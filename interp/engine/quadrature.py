"""Nodes, weights and differentiation on Chebyshev points: rules as data, apart from the algorithm that uses them.

Sources: Trefethen, Spectral Methods in MATLAB (2000), ch. 6 (differentiation) and ch. 12 (Clenshaw–Curtis weights);
Waldvogel, Fast Construction of the Fejér and Clenshaw–Curtis Quadrature Rules (2006) for the open weights;
Berrut & Trefethen, Barycentric Lagrange Interpolation (2004) for the barycentric weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["PairWeights", "Rule", "chebyshev_rule", "error_when_refined"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PairWeights:
    """Weights of g(node i) · h(node j) in ∫ g h′, (i, j): g is integrated by `weights`, h is differentiated.

    `nested` is the same on every second node, `coarsest` on every fourth, both zero elsewhere (`coarsest` everywhere
    where there is no such rule).
    """

    weights: Array
    pairs: Array
    nested: Array
    coarsest: Array


@dataclass(frozen=True, eq=False)
class Rule:
    """Interpolation through `nodes` on [0, 1], both ends included; `derivative @ f` differentiates it.

    `closed` integrates g by Clenshaw and Curtis's weights, exact for polynomials of degree below the number of nodes.
    `open` (Fejér's second rule) leaves g at both ends out: of a function whose slope jumps there, the gradient at the
    end is not the limit from inside.
    """

    nodes: Array
    derivative: Array
    closed: PairWeights
    open: PairWeights


@cache
def chebyshev_rule(points: int) -> Rule:
    """The rule on `points` Chebyshev points (an odd number, at least 3)."""
    if points < 3 or points % 2 == 0:
        raise ValueError(f"a panel has an odd number of points, at least 3, not {points}")
    degree = points - 1
    nodes = _chebyshev_nodes(degree)
    return Rule(
        nodes=nodes,
        derivative=_differentiation_matrix(nodes),
        closed=_pair_weights(degree, _clenshaw_curtis_weights),
        open=_pair_weights(degree, _fejer_weights),
    )


@cache
def _pair_weights(degree: int, node_weights: Callable[[int], Array]) -> PairWeights:
    weights = node_weights(degree)
    pairs = weights[:, None] * _differentiation_matrix(_chebyshev_nodes(degree))
    nested, coarsest = np.zeros_like(pairs), np.zeros_like(pairs)
    if degree % 4 == 0:
        coarser = _pair_weights(degree // 2, node_weights)
        nested[::2, ::2] = coarser.pairs
        coarsest[::2, ::2] = coarser.nested
    return PairWeights(weights, pairs, nested, coarsest)


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


def _fejer_weights(degree: int) -> Array:
    """Weights on the inner Chebyshev points of [0, 1], 0 at both ends: the integrals of the sine series."""
    angles = np.pi * np.arange(degree + 1) / degree
    odd = np.arange(1, degree, 2)
    weights = np.sin(angles) * (np.sin(np.outer(angles, odd)) / odd).sum(1) * (2 / degree)
    weights[[0, degree]] = 0.0
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
