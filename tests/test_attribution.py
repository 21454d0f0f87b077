"""`attribute` on any module: closed forms, the slow reference, and Captum where its rule is sound."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, LayerConductance, LayerIntegratedGradients
from reference import integrate_states
from torch import Tensor, nn

from interp.engine.attribute import Attribution, attribute
from interp.engine.options import MIN_EVALUATIONS
from interp.engine.status import IntegrationStatus
from interp.errors import InputError

torch.set_num_threads(1)


class Net(nn.Module):
    """Tokens (4, 3) to one value: layers that mix features, then tokens; `tuples` as some encoders return them."""

    def __init__(self, tuples: bool = False) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.tuples = tuples
        self.first = nn.Sequential(nn.Linear(3, 5), nn.Tanh())
        self.mix = Mixer(tuples)
        self.drop = nn.Dropout(0.5)
        self.last = nn.Linear(5, 1)
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.9)
        self.double()

    def states(self, x: Tensor) -> list[Tensor]:
        first = self.first(x)
        mixed = self.mix(first)
        mixed = mixed[0] if self.tuples else mixed
        return [x, first, mixed, self.last(self.drop(mixed)).sigmoid().sum((-1, -2))]

    def forward(self, x: Tensor) -> Tensor:
        return self.states(x)[-1]


class Mixer(nn.Module):
    def __init__(self, tuples: bool) -> None:
        super().__init__()
        self.tuples, self.tokens = tuples, nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, str]:
        out = x + torch.nn.functional.gelu(self.tokens(x.transpose(-1, -2)).transpose(-1, -2))
        return (out, "and more") if self.tuples else out


@pytest.fixture
def net() -> Net:
    return Net().eval()


INPUT = torch.tensor(np.random.default_rng(0).normal(size=(4, 3)) * 2)
REFERENCE = torch.tensor(np.random.default_rng(1).normal(size=(4, 3)))


def assert_complete(found: Attribution) -> None:
    change = found.at_input - found.at_reference
    for values, residual in zip((found.integrated_gradients, *found.conductance), found.residuals, strict=True):
        assert float(values.sum()) - change == pytest.approx(residual, abs=1e-12)
        assert abs(residual) <= max(2 * found.estimate * float(values.abs().sum()), 1e-12)


# --- closed forms


def test_a_linear_function_is_exact() -> None:
    weight, x, origin = torch.randn(3, 7, 5).double().unbind()
    found = attribute(lambda rows: (rows * weight).sum((-1, -2)), [], x, origin)
    torch.testing.assert_close(found.integrated_gradients, weight * (x - origin), rtol=1e-13, atol=1e-13)
    assert (found.status, found.evaluations) == (IntegrationStatus.CONVERGED, 17)
    assert_complete(found)


def test_a_quadratic_function_is_exact() -> None:
    """xᵀ A x: A_i = (x - x')_i ((A + Aᵀ)(x + x')/2)_i."""
    a = torch.randn(6, 6, dtype=torch.float64)
    x, origin = torch.randn(2, 6, dtype=torch.float64)
    found = attribute(lambda rows: torch.einsum("ri,ij,rj->r", rows, a, rows), [], x, origin)
    truth = (x - origin) * ((a + a.T) @ (x + origin) / 2)
    torch.testing.assert_close(found.integrated_gradients, truth, rtol=1e-12, atol=1e-12)


def test_one_kink_in_one_dimension() -> None:
    """relu(x - 0.3) from -1 to 1, with the layer below the kink and the layer at it."""
    lower, upper = nn.Linear(1, 1).double(), nn.ReLU()
    with torch.no_grad():
        lower.weight.fill_(1), lower.bias.fill_(-0.3)
    found = attribute(
        lambda rows: upper(lower(rows)).squeeze(-1),
        [lower, upper],
        *torch.tensor([[1.0], [-1.0]]).double(),
        tolerance=1e-4,
    )
    assert found.status is IntegrationStatus.CONVERGED
    for values in (found.integrated_gradients, *found.conductance):
        assert values.item() == pytest.approx(0.7, rel=1e-4)


def test_a_product_is_shared_evenly_and_a_dead_input_gets_nothing() -> None:
    """xyz from 0: every factor gets a third."""
    found = attribute(
        lambda rows: rows[:, :3].prod(-1), [], torch.tensor([2.0, 3.0, 5.0, 9.0]).double(), torch.zeros(4).double()
    )
    assert found.integrated_gradients.tolist() == pytest.approx([10, 10, 10, 0], abs=1e-12)


def test_conductance_of_a_composition() -> None:
    """F = h², h = x₁x₂, from 0: every layer has the whole of it, h alone and x in halves."""

    class Product(nn.Module):
        def forward(self, rows: Tensor) -> Tensor:
            return rows.prod(-1, keepdim=True)

    layer = Product()
    found = attribute(lambda rows: layer(rows).squeeze(-1) ** 2, [layer], *torch.tensor([[2.0, 3.0], [0, 0]]).double())
    assert found.integrated_gradients.tolist() == pytest.approx([18, 18])
    assert found.conductance[0].item() == pytest.approx(36)


def test_equal_ends_attribute_nothing(net: Net) -> None:
    found = attribute(net, [net.first, net.mix], INPUT, INPUT)
    assert found.status is IntegrationStatus.CONVERGED
    assert not any(values.any() for values in (found.integrated_gradients, *found.conductance))


def test_a_function_that_returns_to_where_it_was() -> None:
    """(x - 1/2)² from 0 to 1: the attribution is 0, and that is no fault of the model."""
    found = attribute(lambda rows: (rows[:, 0] - 0.5) ** 2, [], *torch.tensor([[1.0], [0.0]]).double())
    assert found.integrated_gradients.item() == pytest.approx(0, abs=1e-14)


def test_a_hard_threshold_is_not_called_converged() -> None:
    """Its gradient is 0 wherever it is asked, while F moves by 1: the residual says so, and the status must."""
    found = attribute(
        lambda rows: (rows[:, 0] > 0.3).double() + 0 * rows[:, 0], [], *torch.tensor([[1.0], [0.0]]).double()
    )
    assert found.residuals[0] == pytest.approx(-1)
    assert found.status is not IntegrationStatus.CONVERGED


# --- the slow reference, and Captum


@pytest.mark.parametrize("tolerance", [1e-3, 1e-8])
def test_every_element_against_the_slow_reference(net: Net, tolerance: float) -> None:
    truth = integrate_states(net.states, INPUT, REFERENCE)
    found = attribute(net, [net.first, net.mix], INPUT, REFERENCE, tolerance=tolerance)
    assert found.status is IntegrationStatus.CONVERGED
    assert (found.at_input, found.at_reference) == pytest.approx((truth.at_input, truth.at_reference), abs=1e-14)
    for values, true in zip((found.integrated_gradients, *found.conductance), truth.attributions, strict=True):
        assert values.shape == true.shape
        assert (values - true).sum(-1).abs().sum() <= tolerance * true.sum(-1).abs().sum()
        assert (values - true).abs().sum() <= 10 * tolerance * true.abs().sum()
    assert_complete(found)


def test_integrated_gradients_equal_captums(net: Net) -> None:
    ours = attribute(net, [net.first, net.mix], INPUT, REFERENCE, tolerance=1e-9)
    many = {"n_steps": 300, "method": "gausslegendre", "internal_batch_size": 300}
    theirs = IntegratedGradients(net).attribute(INPUT[None], REFERENCE[None], **many)[0]
    # Captum keeps its weights in float32: nothing below 1e-7 is meant by it.
    torch.testing.assert_close(ours.integrated_gradients, theirs, rtol=0, atol=1e-6 * float(theirs.abs().max()))


def test_integrated_gradients_from_a_layer_equal_captums(net: Net) -> None:
    """Captum's layer version goes straight from h(x') to h(x); so do we, when the layer's output is the input."""
    with torch.no_grad():
        high, low = net.first(INPUT), net.first(REFERENCE)

    def above(rows: Tensor) -> Tensor:
        return net.last(net.mix(rows)).sigmoid().sum((-1, -2))

    ours = attribute(above, [net.mix], high, low, tolerance=1e-9)
    many = {"n_steps": 300, "method": "gausslegendre", "internal_batch_size": 300}
    theirs = LayerIntegratedGradients(net, net.first).attribute(INPUT[None], REFERENCE[None], **many)[0]
    torch.testing.assert_close(ours.integrated_gradients, theirs, rtol=0, atol=1e-6 * float(theirs.abs().max()))


def test_captums_conductance_comes_to_ours_as_its_steps_grow(net: Net) -> None:
    ours = attribute(net, [net.first, net.mix], INPUT, REFERENCE, tolerance=1e-9)
    for layer, values in zip((net.first, net.mix), ours.conductance, strict=True):
        errors = []
        for steps in (20, 200, 1000):
            theirs = LayerConductance(net, layer).attribute(INPUT[None], REFERENCE[None], n_steps=steps)[0].detach()
            errors.append(float((theirs - values).abs().sum() / values.abs().sum()))
        assert errors == sorted(errors, reverse=True)
        assert errors[-1] < 0.01
        assert errors[-1] < 0.2 * errors[0]


# --- shapes, and what is left behind


def test_tuple_outputs_and_rows_give_the_same(net: Net) -> None:
    tupled = Net(tuples=True).eval()
    one = attribute(net, [net.first, net.mix], INPUT, REFERENCE)
    other = attribute(tupled, [tupled.first, tupled.mix], INPUT, REFERENCE, rows=3)
    assert one.evaluations == other.evaluations
    for a, b in zip(one.conductance, other.conductance, strict=True):
        torch.testing.assert_close(a, b)


def test_a_module_called_twice_is_recorded_twice(net: Net) -> None:
    def twice(rows: Tensor) -> Tensor:
        return net.mix(net.mix(rows)).tanh().sum((-1, -2))

    x, origin = torch.randn(2, 4, 5, dtype=torch.float64)
    found = attribute(twice, [net.mix], x, origin, tolerance=1e-8)
    truth = integrate_states(
        lambda rows: [rows, once := net.mix(rows), again := net.mix(once), again.tanh().sum((-1, -2))], x, origin
    )
    assert len(found.conductance) == 2
    for values, true in zip(found.conductance, truth.attributions[1:], strict=True):
        torch.testing.assert_close(values, true, rtol=0, atol=1e-6 * float(true.abs().sum()))


def test_conductance_is_in_the_order_of_the_layers() -> None:
    first, second, idle = nn.Linear(3, 5), nn.Linear(5, 4), nn.Linear(1, 1)

    def forward(rows: Tensor) -> Tensor:
        return second(first(rows).tanh()).tanh().sum(-1)

    found = attribute(forward, [second, first], torch.ones(3), torch.zeros(3))
    assert [each.shape for each in found.conductance] == [(4,), (5,)]
    with pytest.raises(InputError, match="never calls layer 1"):
        attribute(forward, [first, idle], torch.ones(3), torch.zeros(3))
    with pytest.raises(InputError, match="do not depend"):
        attribute(lambda rows: torch.ones(len(rows)), [], torch.ones(3), torch.zeros(3))
    with pytest.raises(InputError, match="rows per forward"):
        attribute(forward, [first], torch.ones(3), torch.zeros(3), rows=0)


def test_shapes_of_vectors_and_images() -> None:
    layer = nn.Conv2d(2, 3, 3).double()
    image = torch.randn(2, 6, 6, dtype=torch.float64)
    found = attribute(lambda rows: layer(rows).tanh().sum((1, 2, 3)), [layer], image, torch.zeros_like(image))
    assert (found.integrated_gradients.shape, found.conductance[0].shape) == (image.shape, (3, 4, 4))
    assert found.integrated_gradients.dtype == torch.float64
    line = nn.Linear(5, 4)
    found = attribute(lambda rows: line(rows).tanh().sum(-1), [line], torch.ones(5), torch.zeros(5))
    assert (found.integrated_gradients.shape, found.conductance[0].shape) == ((5,), (4,))


@pytest.mark.parametrize(
    "forward",
    [lambda rows: rows, lambda rows: rows.sum(), lambda rows: rows.sum(-1, keepdim=True)],
    ids=["whole", "scalar", "column"],
)
def test_forward_must_give_one_value_a_row(forward) -> None:
    with pytest.raises(InputError, match="one value a row"):
        attribute(forward, [], torch.ones(3), torch.zeros(3))


@pytest.mark.parametrize(
    ("x", "origin"), [(torch.ones(3), torch.zeros(4)), (torch.ones(3, dtype=int), torch.zeros(3, dtype=int))]
)
def test_input_and_reference_must_fit(x: Tensor, origin: Tensor) -> None:
    with pytest.raises(InputError, match="one shape"):
        attribute(lambda rows: rows.sum(-1), [], x, origin)


@pytest.mark.parametrize("fails", [False, True], ids=["well", "raising"])
def test_the_model_is_left_as_it_was(fails: bool) -> None:
    model = Net().train()
    model.mix.eval()
    model.last.bias.requires_grad_(False)
    model.first[0].weight.grad = torch.ones_like(model.first[0].weight)
    hook = model.mix.register_forward_hook(lambda *_: None)
    before = _condition(model)

    def forward(rows: Tensor) -> Tensor:
        assert not model.training
        values = model(rows)
        if fails:
            raise RuntimeError("in the middle")
        return values

    model.register_module("outer", None)
    with pytest.raises(RuntimeError, match="in the middle") if fails else torch.enable_grad():
        attribute(_Wrapped(model, forward), [model.first, model.mix], INPUT, REFERENCE)
    assert _condition(model) == before
    assert model.first[0].weight.grad is not None
    assert model.last.weight.grad is None
    hook.remove()


class _Wrapped(nn.Module):
    def __init__(self, model: nn.Module, call) -> None:
        super().__init__()
        self.model, self.call = model, call

    def forward(self, rows: Tensor) -> Tensor:
        return self.call(rows)


def _condition(model: nn.Module) -> list:
    return [
        [
            (name, part.training, len(part._forward_hooks), len(part._backward_hooks))
            for name, part in model.named_modules()
        ],
        [(name, p.requires_grad, p.grad is None) for name, p in model.named_parameters()],
        {name: value.sum().item() for name, value in model.state_dict().items()},
    ]


def test_the_callers_gradient_mode_does_not_matter(net: Net) -> None:
    with torch.no_grad():
        quiet = attribute(net, [net.first], INPUT, REFERENCE)
        assert not torch.is_grad_enabled()
    loud = attribute(net, [net.first], INPUT.clone().requires_grad_(), REFERENCE)
    torch.testing.assert_close(quiet.integrated_gradients, loud.integrated_gradients)
    assert not loud.integrated_gradients.requires_grad


# --- ReLU networks, whose gradient jumps


class GatedNet(nn.Module):
    """A weighted sum of twelve inputs, six of them once more through ReLU gates that others close."""

    def __init__(self, seed: int, thresholds: float) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weights = torch.randn(12, generator=generator, dtype=torch.float64)
        self.gated = torch.randperm(12, generator=generator)[:6]
        self.closing = torch.randperm(12, generator=generator)[:6]
        self.thresholds = thresholds * torch.rand(6, generator=generator, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        gated, closing = x[..., self.gated], x[..., self.closing]
        passed = torch.relu(gated - torch.relu(100 * (self.thresholds + closing - gated)))
        return (x * self.weights).sum(-1) + (passed * self.weights[:6]).sum(-1)


def attribute_bits(net: GatedNet, seed: int) -> tuple[Attribution, float]:
    """The attribution of twelve random bits against zeros, and its true relative error."""
    bits = torch.randint(0, 2, (12,), generator=torch.Generator().manual_seed(seed)).double()
    attribution = attribute(net, [], bits, torch.zeros_like(bits), max_evaluations=2049)
    # Straight between the kinks: one gradient in the middle of each piece is exact.
    kinks = torch.cat([net.thresholds, net.thresholds / 1.01, 100 * net.thresholds])
    ends = torch.cat([torch.tensor([0.0, 1.0]), kinks.clamp(0, 1)]).sort().values
    rows = ((ends[1:] + ends[:-1]) / 2)[:, None].mul(bits).requires_grad_()
    (gradients,) = torch.autograd.grad(net(rows).sum(), rows)
    truth = (ends.diff() @ gradients) * bits
    return attribution, float((attribution.integrated_gradients - truth).abs().sum() / truth.abs().sum())


def test_a_kink_at_the_reference_costs_nothing() -> None:
    """Without thresholds all is straight but for a kink at α = 0 itself, where autograd's gradient is not the limit."""
    for seed in range(30):
        attribution, error = attribute_bits(GatedNet(seed, thresholds=0.0), seed)
        assert (attribution.status, attribution.evaluations) == (IntegrationStatus.CONVERGED, MIN_EVALUATIONS), seed
        assert error < 1e-12, seed


def test_kinks_along_the_path_are_never_understated() -> None:
    for seed in range(30):
        attribution, error = attribute_bits(GatedNet(seed, thresholds=1.0), seed)
        assert attribution.status is IntegrationStatus.CONVERGED, seed
        assert error <= 1e-3, seed
