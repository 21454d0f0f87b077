"""Recording, replacing and holding still: what is seen, and that nothing stays behind."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from interp.engine.hooks import first_tensor, frozen, recording, replacing, saved_bytes


@pytest.fixture
def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))


def hooks(model: nn.Module) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules())


def test_outputs_of_each_layer_in_the_order_of_its_calls(model: nn.Sequential) -> None:
    model.eval()
    x = torch.randn(2, 3)
    with recording([model[2], model[0]]) as outputs:
        model(x), model[0](x + 1)
    assert [[tuple(output.shape) for output in calls] for calls in outputs] == [[(2, 2)], [(2, 4), (2, 4)]]
    torch.testing.assert_close(outputs[1][0], model[0](x))
    torch.testing.assert_close(outputs[1][1], model[0](x + 1))
    assert hooks(model) == 0


def test_a_replaced_output_goes_on(model: nn.Sequential) -> None:
    model.eval()
    value = torch.randn(2, 4)
    with replacing({model[0]: value}), recording([model[0]]) as outputs:
        out = model(torch.randn(2, 3))
    torch.testing.assert_close(out, model[2](value))
    assert outputs[0][0] is value
    assert hooks(model) == 0


@pytest.mark.parametrize(
    "holding", [lambda m: recording([m[0]]), lambda m: replacing({m[0]: torch.ones(1, 4)}), frozen]
)
def test_nothing_stays_after_an_exception(model: nn.Sequential, holding) -> None:
    model[1].eval()
    model[2].requires_grad_(False)
    before = [part.training for part in model.modules()], [p.requires_grad for p in model.parameters()]
    with pytest.raises(ZeroDivisionError), holding(model):
        raise ZeroDivisionError
    assert hooks(model) == 0
    assert ([part.training for part in model.modules()], [p.requires_grad for p in model.parameters()]) == before


def test_frozen_while_it_lasts(model: nn.Sequential) -> None:
    x = torch.ones(1, 3)
    with frozen(model, model[0]):  # a part named twice is put back all the same
        assert not any(part.training for part in model.modules())
        assert not model(x).requires_grad
        torch.testing.assert_close(model(x), model(x))
    assert all(part.training for part in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_the_first_of_several_outputs() -> None:
    tensor = torch.ones(1)
    assert first_tensor((tensor, None)) is first_tensor([tensor]) is first_tensor(tensor) is tensor
    with pytest.raises(TypeError, match="not dict"):
        first_tensor({"logits": tensor})


def test_saved_bytes_are_those_of_activations() -> None:
    """tanh keeps its output: 100 float32; exp of it another 100; parameters and views add nothing."""
    weight = nn.Parameter(torch.ones(100))
    with saved_bytes() as count:
        hidden = (weight * torch.ones(100)).tanh()
        assert count() == 400
        hidden.view(10, 10).exp()
        assert count() == 800
