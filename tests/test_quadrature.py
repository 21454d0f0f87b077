"""Nodes, weights, derivatives and panels, by what they are exact for, and how fast they converge where not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import Polynomial

from interp.engine.estimate import relative_error
from interp.engine.options import MAX_POINTS, MIN_POINTS
from interp.engine.panels import INITIAL_PANELS, Panel
from interp.engine.quadrature import chebyshev_rule, error_when_refined
from interp.engine.status import IntegrationStatus

POINTS = (3, 5, 7, 9, 17, 33, 65)
coefficients = st.lists(st.floats(-10, 10), min_size=9, max_size=9).map(np.array)


@pytest.mark.parametrize("points", POINTS)
def test_weights_are_positive_and_sum_to_one(points: int) -> None:
    rule = chebyshev_rule(points)
    assert (rule.closed.weights > 0).all()
    assert (rule.open.weights[1:-1] > 0).all()
    assert rule.closed.weights.sum() == pytest.approx(1, abs=1e-15)
    assert rule.open.weights.sum() == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("points", POINTS)
def test_open_weights_leave_the_ends_out(points: int) -> None:
    assert not chebyshev_rule(points).open.weights[[0, -1]].any()
    assert not chebyshev_rule(points).open.pairs[[0, -1]].any()


@pytest.mark.parametrize("points", POINTS)
def test_nodes_contain_both_ends_and_are_symmetric(points: int) -> None:
    nodes = chebyshev_rule(points).nodes
    assert (nodes[0], nodes[points // 2], nodes[-1]) == (0, 0.5, 1)
    assert (np.diff(nodes) > 0).all()
    np.testing.assert_array_equal(nodes[points // 2 :], 1 - nodes[points // 2 :: -1])
    np.testing.assert_allclose(nodes, (1 - np.cos(np.pi * np.arange(points) / (points - 1))) / 2, atol=1e-15)


@pytest.mark.parametrize("points", [n for n in POINTS if n != 7])
def test_nested_nodes_are_equal_to_the_bit(points: int) -> None:
    np.testing.assert_array_equal(chebyshev_rule(2 * points - 1).nodes[::2], chebyshev_rule(points).nodes)


@pytest.mark.parametrize("points", POINTS)
def test_derivatives_of_constants_vanish(points: int) -> None:
    rule = chebyshev_rule(points)
    assert np.abs(rule.derivative.sum(1)).max() <= 1e-13 * np.abs(rule.derivative).max()
    assert rule.derivative @ np.full(points, 3.0) == pytest.approx(0, abs=1e-11)


@pytest.mark.parametrize("points", [2, 4, 1, 0, -3])
def test_a_panel_needs_an_odd_number_of_points(points: int) -> None:
    with pytest.raises(ValueError, match="odd number of points, at least 3"):
        chebyshev_rule(points)


@given(coefficients)
def test_exact_below_the_number_of_nodes(coefficients: np.ndarray) -> None:
    polynomial, rule = Polynomial(coefficients), chebyshev_rule(9)  # degree 8
    values = polynomial(rule.nodes)
    size = 1 + np.abs(coefficients).sum()
    assert rule.closed.weights @ values == pytest.approx(polynomial.integ()(1), abs=1e-13 * size)
    two_degrees_less = Polynomial(coefficients[:-2])
    assert rule.open.weights @ two_degrees_less(rule.nodes) == pytest.approx(
        two_degrees_less.integ()(1), abs=1e-13 * size
    )
    np.testing.assert_allclose(rule.derivative @ values, polynomial.deriv()(rule.nodes), atol=1e-11 * size)


@pytest.mark.parametrize("points", [3, 5, 9])
def test_inexact_beyond_the_degree(points: int) -> None:
    rule = chebyshev_rule(points)
    beyond = Polynomial.fromroots(rule.nodes)  # of degree `points`, zero at every node
    assert np.abs(beyond(rule.nodes)).max() < 1e-15
    assert np.abs(beyond.deriv()(rule.nodes)).max() > 1e-7
    even = Polynomial.fromroots([*rule.nodes, 0.5])  # the symmetric rule integrates one degree more, not two
    assert abs(even.integ()(1)) > 1e-9


@given(st.lists(st.floats(-5, 5), min_size=5, max_size=5), st.lists(st.floats(-5, 5), min_size=4, max_size=4))
def test_pairs_integrate_g_times_the_derivative_of_h(g: list[float], h: list[float]) -> None:
    """Degree 4 + 2 = 6 is within both weights of nine points, and beyond the 4 of the five nested ones."""
    first, second, rule = Polynomial(g), Polynomial(h), chebyshev_rule(9)
    truth = (first * second.deriv()).integ()(1)
    for weights in (rule.closed, rule.open):
        assert first(rule.nodes) @ weights.pairs @ second(rule.nodes) == pytest.approx(truth, abs=1e-10)


@pytest.mark.parametrize("kind", ["closed", "open"])
def test_nested_pairs_are_the_coarser_rules_on_every_second_and_fourth_node(kind: str) -> None:
    rule = chebyshev_rule(17)
    fine, half, quarter = (getattr(chebyshev_rule(points), kind) for points in (17, 9, 5))
    np.testing.assert_array_equal(fine.nested[::2, ::2], half.pairs)
    np.testing.assert_array_equal(fine.coarsest[::4, ::4], quarter.pairs)
    assert np.count_nonzero(fine.nested) == np.count_nonzero(half.pairs)
    assert np.count_nonzero(fine.coarsest) == np.count_nonzero(quarter.pairs)
    assert np.abs(np.sin(7 * rule.nodes) @ (fine.nested - fine.pairs) @ np.cos(8 * rule.nodes)) > 1e-6


def test_convergence_is_geometric_at_the_rate_of_the_nearest_pole() -> None:
    """1/(1 + 25 t²) on [-1, 1] has its pole at i/5: a derivative's error is n·ρ⁻ⁿ, ρ = 0.2 + √1.04."""
    points = np.arange(17, 114, 4)
    errors = []
    for n in points:
        rule = chebyshev_rule(int(n))
        t = 2 * rule.nodes - 1
        derivative = rule.derivative @ (1 / (1 + 25 * t**2)) / 2
        errors.append(np.abs(derivative + 50 * t / (1 + 25 * t**2) ** 2).max())
    rate = -np.polyfit(points, np.log(errors / points), 1)[0]
    assert rate == pytest.approx(np.log(0.2 + np.sqrt(1.04)), rel=0.02)


def test_convergence_at_a_kink_is_of_the_order_of_the_kink() -> None:
    """∫|t - 1/√2|: second order, measured over rules whose nodes fall on either side by chance."""
    kink = 1 / np.sqrt(2)
    points = np.array([2**k * m + 1 for k in range(3, 8) for m in (2, 3)])
    truth = (kink**2 + (1 - kink) ** 2) / 2
    errors = [
        abs(chebyshev_rule(int(n)).closed.weights @ np.abs(chebyshev_rule(int(n)).nodes - kink) - truth) for n in points
    ]
    order = -np.polyfit(np.log(points), np.log(errors), 1)[0]
    assert 1.5 < order < 2.7


# --- panels


def test_the_start_covers_the_path() -> None:
    assert (INITIAL_PANELS[0].start, INITIAL_PANELS[-1].end) == (0, 1)
    assert all(a.end == b.start for a, b in pairwise(INITIAL_PANELS))


@given(st.lists(st.booleans(), max_size=20))
def test_neighbours_share_their_end_to_the_bit(turns: list[bool]) -> None:
    """However deep the bisection, the last node of a half is the first of the other, and the ends are kept."""
    panel = INITIAL_PANELS[0]
    for right in turns:
        left_half, right_half = panel.refined(1.0, 1e-3, MAX_POINTS)
        assert left_half.nodes[-1] == right_half.nodes[0]
        assert (left_half.nodes[0], right_half.nodes[-1]) == (panel.nodes[0], panel.nodes[-1])
        assert left_half.width == right_half.width == panel.width / 2
        panel = right_half if right else left_half


def test_twice_the_points_reuse_every_node() -> None:
    panel = Panel(0.25, 0.375, 9)
    (finer,) = panel.refined(1e-3, 1e-3, MAX_POINTS)
    assert finer.points == 17
    assert set(panel.nodes) < set(finer.nodes)


@pytest.mark.parametrize(
    ("points", "error", "most", "expected"),
    [
        (9, 0.29, 33, [(0, 1, 17)]),  # the first doubling is tried unless the panel is hopeless
        (9, 0.31, 33, [(0, 0.5, 9), (0.5, 1, 9)]),
        (17, 1e-2, 33, [(0, 1, 33)]),  # 0.3 · 1e-3 = 3e-4 is within 1e-3
        (17, 0.1, 33, [(0, 0.5, 9), (0.5, 1, 9)]),  # 0.3 · 0.0316 is not
        (33, 1e-9, 33, [(0, 0.5, 9), (0.5, 1, 9)]),  # no panel grows beyond the most
        (17, 1e-9, 17, [(0, 0.5, 9), (0.5, 1, 9)]),
        (9, 1e-9, 9, [(0, 0.5, 9), (0.5, 1, 9)]),
    ],
)
def test_a_panel_grows_where_that_is_enough_and_splits_where_not(
    points: int, error: float, most: int, expected: list[tuple[float, float, int]]
) -> None:
    panels = Panel(0, 1, points).refined(error, 1e-3, most)
    assert [(panel.start, panel.end, panel.points) for panel in panels] == expected


def estimate(residual: float, nested: float, nested_residual: float | None = None, coarser: float = 1.0) -> float:
    measures = {
        "residual": residual,
        "nested": nested,
        "nested_residual": nested if nested_residual is None else nested_residual,
        "coarser": coarser,
    }
    return float(relative_error(**{name: np.array(value) for name, value in measures.items()}))


@given(st.floats(1e-12, 1), st.floats(1e-12, 1))
def test_the_estimate_is_cautious(residual: float, nested: float) -> None:
    """Never below the known residual, nor below what doubling is expected to leave; and it grows with both."""
    assert estimate(residual, nested) >= max(residual, error_when_refined(nested))
    assert estimate(residual, nested, nested_residual=0.0) >= nested
    assert estimate(2 * residual, 2 * nested) > estimate(residual, nested)


@pytest.mark.parametrize("ratio", [0.25, 0.5])
def test_what_converges_slowly_is_not_taken_for_geometric(ratio: float) -> None:
    """Errors c, rc, r²c, … of rules of 1, 2, 4, … times the points, and no residual: the finest's is covered."""
    coarser = 1e-3 * (1 - ratio)  # between the rules whose errors are c and rc
    nested = ratio * coarser
    assert estimate(0.0, nested, coarser=coarser) >= 1e-3 * ratio**2


def test_every_status_says_what_to_do() -> None:
    assert {status.value for status in IntegrationStatus} == {
        "converged",
        "negligible",
        "not-converged",
        "discontinuous",
        "precision-limited",
    }
    assert {status for status in IntegrationStatus if status.settled} == {
        IntegrationStatus.CONVERGED,
        IntegrationStatus.NEGLIGIBLE,
    }
    assert "evaluations allowed" not in IntegrationStatus.DISCONTINUOUS.message
    assert "`max_evaluations`" in IntegrationStatus.NOT_CONVERGED.message
    assert "float64" in IntegrationStatus.PRECISION_LIMITED.message


def test_panels_start_from_the_fewest_points() -> None:
    assert {panel.points for panel in INITIAL_PANELS} == {MIN_POINTS}
