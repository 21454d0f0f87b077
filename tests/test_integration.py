"""The adaptive sweep on integrands with exact answers: honest, convergent, within limits, the same in any batch."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from problems import (
    BLIND,
    CANCELLING,
    DISCONTINUOUS,
    HARD,
    KINKS,
    PLACES,
    SMOOTH,
    Problem,
    Unit,
    evaluator,
    jump,
    path,
    power,
    product_of,
    random_kinks,
    squared_step,
    step,
    wave,
)

from interp.engine.options import MIN_EVALUATIONS, SweepOptions
from interp.engine.paths import IntegrationPath
from interp.engine.status import IntegrationStatus
from interp.engine.sweep import Integral, integrate
from interp.errors import DeviceError, InputError, ModelError

PLENTY = 2049
STEEP = Problem("steep", (step(0.37, 60), product_of(1.0)))
WAVY = Problem("wavy", (wave(3.3), squared_step(0.6, 8)))


@cache
def solve(
    problem: Problem, tolerance: float = 1e-3, most: int = PLENTY, dtype: torch.dtype = torch.float64
) -> Integral:
    return integrate(
        [path([problem], dtype)], evaluator(), SweepOptions(tolerance=tolerance, max_evaluations=most)
    ).integrals[0][0]


def true_error(problem: Problem, result: Integral) -> float:
    """Σ|error| / Σ|attribution|, the worst of both states."""
    scale = np.abs(problem.truth).sum()
    return max(float(np.abs(value[0] - problem.truth).sum() / scale) for value in result.values)


def assert_equal(one: Integral, other: Integral) -> None:
    """The same panels, hence the same numbers but for the order of sums."""
    assert (one.status, one.evaluations) == (other.status, other.evaluations)
    for a, b in zip(one.values, other.values, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)


# --- the error is never understated; apart from that, it converges


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-5])
@pytest.mark.parametrize("problem", [*SMOOTH, *HARD, *KINKS, *CANCELLING, *DISCONTINUOUS], ids=str)
def test_converged_is_only_said_when_it_is_true(problem: Problem, tolerance: float) -> None:
    result = solve(problem, tolerance)
    if result.status is IntegrationStatus.CONVERGED:
        assert result.estimate <= tolerance
        assert true_error(problem, result) <= tolerance


@pytest.mark.parametrize("problem", BLIND, ids=str)
def test_what_lies_between_all_nodes_is_missed(problem: Problem) -> None:
    """The documented limit: nothing is seen, convergence is said, and it is wrong. A failure moves the limit."""
    result = solve(problem)
    assert result.status is IntegrationStatus.CONVERGED
    assert true_error(problem, result) > 0.1


@settings(max_examples=40)
@given(st.floats(-0.2, 1.2), st.floats(1, 300), st.sampled_from([1e-2, 1e-3, 1e-5]))
@example(-0.1875, 288.0, 1e-2)  # far outside: differences are next to none
def test_honest_wherever_the_step_is(at: float, steepness: float, tolerance: float) -> None:
    problem = Problem("any step", (squared_step(at, steepness), power(2)))
    result = solve(problem, tolerance)
    assert result.status is IntegrationStatus.CONVERGED
    assert true_error(problem, result) <= tolerance


@pytest.mark.parametrize("place", PLACES)
def test_honest_wherever_kinks_are(place: str) -> None:
    """What a ReLU network is made of: rules converge slowly at kinks, and errors of either sign nearly cancel."""
    for seed in range(40):
        problem = random_kinks(place, seed)
        result = solve(problem, most=4001)
        assert result.status is IntegrationStatus.CONVERGED, problem
        assert true_error(problem, result) <= 1e-3, problem


@pytest.mark.parametrize("problem", KINKS, ids=str)
def test_gradients_that_jump_at_the_end_of_a_panel_cost_nothing(problem: Problem) -> None:
    result = solve(problem, 1e-9)
    assert (result.status, result.evaluations) == (IntegrationStatus.CONVERGED, MIN_EVALUATIONS)
    assert true_error(problem, result) < 1e-14


@pytest.mark.parametrize("problem", SMOOTH, ids=str)
def test_smooth_problems_converge_cheaply(problem: Problem) -> None:
    result = solve(problem, 1e-5)
    assert result.status is IntegrationStatus.CONVERGED
    assert result.evaluations <= 97


@pytest.mark.parametrize("problem", [*HARD, *CANCELLING], ids=str)
def test_hard_problems_converge(problem: Problem) -> None:
    assert solve(problem).status is IntegrationStatus.CONVERGED


@pytest.mark.parametrize("problem", DISCONTINUOUS, ids=str)
def test_no_convergence_where_f_moves_and_the_gradient_does_not(problem: Problem) -> None:
    assert solve(problem).status is not IntegrationStatus.CONVERGED


def test_a_tighter_tolerance_gives_a_smaller_error() -> None:
    errors = [true_error(STEEP, solve(STEEP, tolerance)) for tolerance in (1e-2, 1e-4, 1e-6, 1e-8)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-8


# --- what a result says


def test_residuals_are_sums_minus_the_difference_of_outputs() -> None:
    result = solve(STEEP, 1e-2)
    assert result.at_input - result.at_reference == pytest.approx(STEEP.truth.sum())
    for value, residual in zip(result.values, result.residuals, strict=True):
        assert residual == pytest.approx(value.sum() - STEEP.truth.sum(), abs=1e-14)


def test_scale_does_not_matter() -> None:
    one, many = solve(STEEP), solve(replace(STEEP, scale=1e12))
    assert one.evaluations == many.evaluations
    assert many.estimate == pytest.approx(one.estimate, rel=1e-6)


def test_no_effect_at_all_is_no_error() -> None:
    result = solve(Problem("nothing", (power(1), power(2)), scale=0.0))
    assert result.status is IntegrationStatus.CONVERGED
    assert result.evaluations == MIN_EVALUATIONS
    assert not any(value.any() for value in result.values)


def test_effects_that_cancel_over_the_path_are_no_nan() -> None:
    """(α - 1/2)²: the attribution is 0 though the gradient is not; there is no scale, but there is an answer."""
    there_and_back = power(2)
    unit = replace(there_and_back, h=lambda a: (a - 0.5) ** 2, slope=lambda a: 2 * (a - 0.5))
    result = solve(Problem("there and back", (unit,)))
    assert [value.item() for value in result.values] == pytest.approx([0, 0], abs=1e-14)


# --- limits


@pytest.mark.parametrize("most", [17, 18, 40, 57, 100])
@pytest.mark.parametrize("problem", [STEEP, *DISCONTINUOUS[:1]], ids=str)
def test_evaluations_end_where_they_must(problem: Problem, most: int) -> None:
    fake = evaluator()
    result = integrate([path([problem])], fake, SweepOptions(tolerance=1e-8, max_evaluations=most)).integrals[0][0]
    assert result.status is IntegrationStatus.NOT_CONVERGED
    assert result.evaluations == fake.rows <= most
    assert result.estimate > 1e-8


def test_no_node_is_evaluated_twice() -> None:
    seen: list[float] = []

    def watching(blocks):
        seen.extend(alpha for block in blocks for alpha in block.alphas)
        return evaluator()(blocks)

    result = integrate([path([STEEP])], watching, SweepOptions(tolerance=1e-8, max_evaluations=PLENTY)).integrals[0][0]
    assert len(seen) == len(set(seen)) == result.evaluations


@pytest.mark.parametrize("problem", [STEEP, WAVY, SMOOTH[2]], ids=str)
def test_float32_ends_at_its_floor(problem: Problem) -> None:
    result = solve(problem, 1e-9, dtype=torch.float32)
    assert result.status is IntegrationStatus.PRECISION_LIMITED
    assert not result.status.settled
    assert result.evaluations < 1025
    assert true_error(problem, result) < 1e-5


@pytest.mark.parametrize("problem", [STEEP, WAVY], ids=str)
def test_bfloat16_ends_too_and_does_not_claim(problem: Problem) -> None:
    result = solve(problem, 1e-4, dtype=torch.bfloat16)
    assert result.status is IntegrationStatus.PRECISION_LIMITED


def on_a_pedestal(*units: Unit, height: float = 6.7) -> Problem:
    """F starts at `height`, which no unit explains, as a logit does that the words hardly move."""
    pedestal = replace(power(1), h=lambda a: np.full_like(a, height), slope=np.zeros_like)
    return Problem("on a pedestal", (pedestal, *units))


@pytest.mark.parametrize("size", [3e-4, 1e-5, 1e-7])
@pytest.mark.parametrize("at", [0.25, 0.37, 0.8])
def test_what_hardly_moves_the_output_is_next_to_nothing(size: float, at: float) -> None:
    """In float32, whose rounding of F hides the last digits of so small an effect; the error stays what it is."""
    problem = on_a_pedestal(step(at, 12, size), power(2, -size / 3))
    result = solve(problem, dtype=torch.float32)
    assert result.status is IntegrationStatus.NEGLIGIBLE
    assert result.status.settled
    assert max(1e-3, true_error(problem, result)) <= result.estimate
    assert solve(problem).status is IntegrationStatus.CONVERGED


def test_effects_that_cancel_in_the_output_are_not_next_to_nothing() -> None:
    """Σ|attribution| is 2 of an F of 6.7, which does not move at all."""
    problem = on_a_pedestal(step(0.37, 12), step(0.37, 12, -1))
    assert solve(problem, 1e-9, dtype=torch.float32).status is IntegrationStatus.PRECISION_LIMITED


def test_a_jump_that_no_gradient_shows_is_not_next_to_nothing() -> None:
    """The attributions are 0, and F moves by 1 of 7.7."""
    assert solve(on_a_pedestal(jump(0.3))).status is IntegrationStatus.DISCONTINUOUS


def test_a_small_jump_is_next_to_nothing() -> None:
    assert solve(on_a_pedestal(jump(0.3, 1e-4))).status is IntegrationStatus.NEGLIGIBLE


def test_a_small_effect_beside_one_that_does_not_converge_is_no_excuse() -> None:
    """Groups are judged each on its own: the small one may be missed, the other not."""
    problem = on_a_pedestal(step(0.3, 200), power(2, 1e-5))
    plain = path([problem], torch.float32)
    grouped = replace(plain, sums=lambda values: values[..., None])
    few = SweepOptions(max_evaluations=40)
    assert integrate([grouped], evaluator(), few).integrals[0][0].status is IntegrationStatus.NOT_CONVERGED


@pytest.mark.parametrize("problem", DISCONTINUOUS, ids=str)
def test_a_jump_is_told_from_too_few_evaluations(problem: Problem) -> None:
    assert solve(problem).status is IntegrationStatus.DISCONTINUOUS
    assert solve(problem, most=40).status is IntegrationStatus.NOT_CONVERGED


@pytest.mark.parametrize("tolerance", [0, -1e-3, 1, 5, float("nan")])
def test_a_tolerance_is_between_0_and_1(tolerance: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        SweepOptions(tolerance=tolerance)


def test_too_few_evaluations() -> None:
    with pytest.raises(InputError, match=f"{MIN_EVALUATIONS} at least"):
        SweepOptions(max_evaluations=MIN_EVALUATIONS - 1)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 0.25])
def test_nan_is_the_models_fault(alpha: float) -> None:
    """Inside as well: F there is not part of any sum, but its gradients cannot be trusted."""
    with pytest.raises(ModelError, match="NaN or infinity"):
        integrate([path([STEEP])], evaluator(spoil=alpha), SweepOptions())


# --- memory and batching


@pytest.mark.parametrize("fits", [1, 3, 7, 20])
def test_out_of_memory_halves_the_rows(fits: int) -> None:
    roomy, tight = evaluator(), evaluator(fits)
    whole = integrate([path([STEEP]), path([WAVY])], roomy, SweepOptions(tolerance=1e-6, max_evaluations=PLENTY))
    halved = integrate([path([STEEP]), path([WAVY])], tight, SweepOptions(tolerance=1e-6, max_evaluations=PLENTY))
    assert whole.rows == 32
    assert halved.rows <= fits
    assert tight.most <= fits
    assert tight.rows == roomy.rows
    for one, other in zip(whole.integrals, halved.integrals, strict=True):
        assert_equal(one[0], other[0])


def test_not_even_one_row() -> None:
    with pytest.raises(DeviceError, match="One row does not fit"):
        integrate([path([STEEP])], evaluator(fits=0), SweepOptions())


@pytest.mark.parametrize("rows", [1, 5, 17, 1000])
def test_rows_per_forward_are_kept_to_and_do_not_matter(rows: int) -> None:
    fake = evaluator()
    result = integrate(
        [path([STEEP]), path([WAVY])], fake, SweepOptions(tolerance=1e-6, max_evaluations=PLENTY, rows=rows)
    ).integrals
    assert fake.most <= rows
    for problem, each in zip((STEEP, WAVY), result, strict=True):
        assert_equal(each[0], solve(problem, 1e-6))


@pytest.mark.parametrize("points", [9, 17, 33])
def test_forgetting_the_nodes_changes_the_cost_alone(points: int) -> None:
    kept, forgot = (
        integrate(
            [path([STEEP])],
            evaluator(),
            SweepOptions(tolerance=1e-6, max_evaluations=PLENTY, retain=retain, max_points=points),
        ).integrals[0][0]
        for retain in (True, False)
    )
    assert forgot.evaluations > kept.evaluations
    assert forgot.estimate == kept.estimate
    for a, b in zip(kept.values, forgot.values, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_paths_together_are_as_alone() -> None:
    problems = [STEEP, WAVY, *SMOOTH[:6], *HARD[:4]]
    together = integrate(
        [path([problem]) for problem in problems], evaluator(), SweepOptions(tolerance=1e-4, max_evaluations=PLENTY)
    ).integrals
    for problem, (result,) in zip(problems, together, strict=True):
        assert_equal(result, solve(problem, 1e-4))


def test_targets_together_are_as_alone_and_share_forward_passes() -> None:
    """Two f on the same states: each gets the panels that it gets alone, and ends when it would."""
    easy = Problem("easy", (replace(power(2), f=lambda h: h, gain=np.ones_like), power(1)))
    hard = Problem("hard", (replace(power(2), **_bend(0.4, 20)), replace(power(1), **_times(3))))
    fake = evaluator()
    both = integrate([path([easy, hard])], fake, SweepOptions(tolerance=1e-5, max_evaluations=PLENTY)).integrals[0]
    for problem, result in zip((easy, hard), both, strict=True):
        assert result.status is IntegrationStatus.CONVERGED
        assert true_error(problem, result) <= 1e-5
        assert_equal(result, solve(problem, 1e-5))
    assert both[0].evaluations < both[1].evaluations == fake.rows
    assert fake.backward == both[0].evaluations + both[1].evaluations


def test_rows_of_one_forward_go_backward_as_often() -> None:
    """A row that goes backward for a target that does not need it would cost as much as one that does."""
    seen: list[set[int]] = []

    def watching(blocks):
        seen.append({len(block.targets) for block in blocks})
        return evaluator()(blocks)

    easy, hard = (Problem(name, (step(0.4, k), power(2))) for name, k in (("easy", 2), ("hard", 60)))
    integrate(
        [path([easy, easy, hard]), path([easy]), path([hard])],
        watching,
        SweepOptions(tolerance=1e-5, max_evaluations=PLENTY),
    )
    assert all(len(each) == 1 for each in seen)
    assert {3} in seen and {1} in seen


def test_a_path_given_twice_has_two_results() -> None:
    one = path([STEEP])
    first, second = integrate([one, one], evaluator(), SweepOptions()).integrals
    assert_equal(first[0], second[0])


def _times(size: float) -> dict:
    return {"f": lambda h: size * h, "gain": lambda h: np.full_like(h, size)}


def _bend(at: float, steepness: float) -> dict:
    return {
        "f": lambda h: np.tanh(steepness * (h - at)),
        "gain": lambda h: steepness / np.cosh(steepness * (h - at)) ** 2,
    }


def test_groups_are_controlled_each_on_its_own() -> None:
    """A group that is small against the other still gets its own relative tolerance."""
    problem = Problem("unequal groups", (power(2, 1e4), squared_step(0.4, 40)))
    plain = path([problem])
    grouped = IntegrationPath(
        input=plain.input,
        reference=plain.reference,
        targets=1,
        sums=lambda values: values[..., None],
        context=plain.context,
    )
    loose, strict = (
        integrate([each], evaluator(), SweepOptions(tolerance=1e-3, max_evaluations=PLENTY)).integrals[0][0]
        for each in (plain, grouped)
    )
    assert strict.values[0].shape == (2, 1)
    for value in strict.values:
        np.testing.assert_allclose(value[:, 0], problem.truth, rtol=1e-3)
    assert loose.evaluations < strict.evaluations


def test_progress_counts_paths() -> None:
    told: list[tuple[int, int]] = []
    integrate(
        [path([SMOOTH[0]]), path([STEEP])], evaluator(), SweepOptions(), lambda done, total: told.append((done, total))
    )
    assert told[0] == (1, 2)
    assert told[-1] == (2, 2)
    assert told == sorted(told)


def test_the_same_bits_twice() -> None:
    one, two = (integrate([path([STEEP])], evaluator(), SweepOptions(tolerance=1e-5)).integrals[0][0] for _ in range(2))
    assert [value.tobytes() for value in one.values] == [value.tobytes() for value in two.values]
    assert one.estimate == two.estimate


def test_details_sum_to_values() -> None:
    plain = path([STEEP])
    detailed = replace(plain, detail=lambda values: values[..., :1, :])
    result = integrate([detailed], evaluator(), SweepOptions(tolerance=1e-6, max_evaluations=PLENTY)).integrals[0][0]
    assert result.details is not None
    for detail, value in zip(result.details, result.values, strict=True):
        assert detail.shape == (1, 1)
        assert detail.item() == pytest.approx(value[0, 0], rel=1e-12)
