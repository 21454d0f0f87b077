"""DeepLift, which hooks the model's activations: who cannot have it, and nothing that stays behind."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from interp.errors import InputError
from interp.explain.methods.score import Scorer

__all__ = ["MethodRefusedError", "deep_lift"]


class MethodRefusedError(InputError):
    """This model cannot have this method."""


def deep_lift(scorer: Scorer, _: int) -> Tensor:
    """Attributions (1, units). Raises RefusedError for a model whose modules do not run once each."""
    from captum.attr import DeepLift

    _check_calls(scorer)
    with warnings.catch_warnings(), _without_traces(scorer.tagger.model):
        warnings.filterwarnings("ignore", "Setting forward, backward hooks", UserWarning)
        return scorer.per_word(DeepLift(_Wrapped(scorer)).attribute(scorer.leaf(), scorer.reference[None]))


class _Wrapped(nn.Module):
    """F as a module, so that DeepLift finds the model's activations below it."""

    def __init__(self, scorer: Scorer) -> None:
        super().__init__()
        self.model: nn.Module = scorer.tagger.model
        self.scorer = scorer

    def forward(self, states: Tensor) -> Tensor:
        return self.scorer(states)


def _supported_activations() -> tuple[type[nn.Module], ...]:
    """The activations that DeepLift has a rule for."""
    from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR

    return tuple(SUPPORTED_NON_LINEAR)


def _check_calls(scorer: Scorer) -> None:
    """Raise RefusedError when the model runs a layer or an activation more than once: DeepLift keeps what each of them
    saw last, and would take that for the other calls too.
    """
    tagger, calls = scorer.tagger, Counter[nn.Module]()
    activations = [module for module in tagger.model.modules() if type(module) in _supported_activations()]

    def count(module: nn.Module, *_: Any) -> None:
        calls[module] += 1

    with ExitStack() as stack, torch.no_grad():
        for module in {*tagger.parts.layers, *activations}:
            stack.callback(module.register_forward_hook(count).remove)
        scorer(scorer.input[None])
    if tagger.parts.shared or max(calls.values(), default=0) > 1:
        raise MethodRefusedError(
            "DeepLift needs every layer and activation to run once, and this model shares them between places: "
            "choose another method, such as gradient-shap or shapley."
        )


@contextmanager
def _without_traces(model: nn.Module) -> Iterator[None]:
    """Remove what Captum leaves on activations when it fails on the way, or when one of them has no part in F."""
    try:
        yield
    finally:
        for module in model.modules():
            if type(module) in _supported_activations():
                for name in ("input", "output"):
                    module.__dict__.pop(name, None)
