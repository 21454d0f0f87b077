"""Every method as a row: what it measures, and Captum's class run on one question.

Gradients act on the embedding block's output, (sub-tokens, hidden), and are summed over hidden and over a word's
sub-tokens. Perturbations act on words, by switches. Captum is imported when a method runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from interp.explain.methods.deep_lift import deep_lift
from interp.explain.methods.score import Scorer
from interp.explanation import MethodCompleteness

__all__ = ["METHODS", "MethodSpec"]

LIME_FITS = 8
"""Independent fits of LIME, whose spread is its standard error."""

KERNEL_WIDTH = 1.0
"""Of LIME's weights exp(−d²/2w²), d the cosine distance of the switches from all on: Captum's own default."""

Attribute = Callable[[Scorer, int], Tensor]
"""(scorer, samples) to replicates (n, units) in float64; one replicate where nothing is drawn."""


@dataclass(frozen=True, kw_only=True)
class MethodSpec:
    """One method: what it measures, and how it is run."""

    description: str
    attribute: Attribute
    complete: MethodCompleteness
    signed: bool = True
    """False where attributions are magnitudes."""
    samples: Callable[[int], int] | None = None
    """The default for a number of words; None where nothing is drawn."""
    fewest: Callable[[int], int] = lambda _: 2
    """Samples that it works with."""
    parameters: Mapping[str, int | float] = field(default_factory=dict)
    """What it runs with, beside samples and seed."""
    switches: bool = False
    """It turns words off, rather than taking gradients."""
    rows: int = 1
    """The fewest per forward."""
    packages: tuple[str, ...] = ("captum",)
    """What it runs on."""


def _saliency(scorer: Scorer, _: int) -> Tensor:
    from captum.attr import Saliency

    return scorer.per_word(Saliency(scorer).attribute(scorer.leaf(), abs=True))


def _input_x_gradient(scorer: Scorer, _: int) -> Tensor:
    from captum.attr import InputXGradient

    return scorer.per_word(InputXGradient(scorer).attribute(scorer.leaf()))


def _gradient_shap(scorer: Scorer, samples: int) -> Tensor:
    """One draw per replicate: gradients at a random place between the reference and the input."""
    from captum.attr import GradientShap

    def score(states: Tensor) -> Tensor:
        return scorer(states.to(scorer.input.dtype))  # Captum's own places are float32 at least

    method = GradientShap(score)
    replicates = []
    for start in range(0, samples, scorer.rows):
        inputs = scorer.leaf(min(scorer.rows, samples - start))
        gradients = method.attribute(inputs, scorer.reference[None], n_samples=1, stdevs=0.0)
        replicates.append(scorer.per_word(gradients))
    return torch.cat(replicates)


def _occlusion(scorer: Scorer, _: int) -> Tensor:
    from captum.attr import Occlusion

    method, on = Occlusion(scorer.switched), scorer.all_on()
    return scorer.spread(method.attribute(on, (1,), baselines=0, perturbations_per_eval=scorer.rows))


def _shapley(scorer: Scorer, samples: int) -> Tensor:
    """One permutation per replicate."""
    from captum.attr import ShapleyValueSampling

    method, on = ShapleyValueSampling(scorer.switched), scorer.all_on()
    options = {"baselines": 0, "n_samples": 1, "perturbations_per_eval": scorer.rows}
    return scorer.spread(torch.cat([method.attribute(on, **options) for _ in range(samples)]))


def _lime(scorer: Scorer, samples: int) -> Tensor:
    """One least-squares fit per replicate."""
    from captum._utils.models.linear_model import SkLearnLinearRegression
    from captum.attr import Lime
    from captum.attr._core.lime import get_exp_kernel_similarity_function

    kernel, on = get_exp_kernel_similarity_function("cosine", KERNEL_WIDTH), scorer.all_on()
    fits = []
    for _ in range(LIME_FITS):
        method = Lime(scorer.switched, SkLearnLinearRegression(), kernel)
        fits.append(method.attribute(on, baselines=0, n_samples=samples, perturbations_per_eval=scorer.rows))
    return scorer.spread(torch.cat(fits).to(scorer.input.device))


METHODS: dict[str, MethodSpec] = {
    "saliency": MethodSpec(
        description="size of the gradient at the input, without a sign; no reference enters",
        attribute=_saliency,
        complete="no",
        signed=False,
    ),
    "input-x-gradient": MethodSpec(
        description="gradient at the input times the embedding itself; no reference enters",
        attribute=_input_x_gradient,
        complete="no",
    ),
    "deep-lift": MethodSpec(
        description="differences from the reference, carried back through activations by the rescale rule; softmax, "
        "LayerNorm and GELU are not in its rules, so that plain gradients stand in for them",
        attribute=deep_lift,
        complete="no",
        rows=2,
    ),
    "gradient-shap": MethodSpec(
        description="gradients at random places between reference and input: integrated gradients by chance",
        attribute=_gradient_shap,
        complete="on average",
        samples=lambda _: 200,
        parameters={"stdevs": 0.0},
    ),
    "occlusion": MethodSpec(
        description="what F loses when one word alone becomes the reference",
        attribute=_occlusion,
        complete="no",
        switches=True,
    ),
    "shapley": MethodSpec(
        description="what a word adds to those before it, over random orders of the words",
        attribute=_shapley,
        complete="exactly",
        samples=lambda _: 50,
        switches=True,
    ),
    "lime": MethodSpec(
        description="coefficients of a linear model of F, fitted where random words become the reference",
        attribute=_lime,
        complete="no",
        samples=lambda words: max(100, 4 * words),
        fewest=lambda words: words + 2,
        switches=True,
        parameters={"fits": LIME_FITS, "kernel_width": KERNEL_WIDTH},
        packages=("captum", "scikit-learn"),
    ),
}
