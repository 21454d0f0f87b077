"""Whether the parts found in a model of no known family are the right ones."""

from __future__ import annotations

from interp.engine.options import SweepOptions
from interp.engine.status import IntegrationStatus
from interp.engine.sweep import Integral, integrate
from interp.errors import ModelError, first_line
from interp.models.find_parts import unsupported_model
from interp.models.objective import Objective
from interp.models.tagger import Tagger

__all__ = ["prove"]

PROBE = ("Angela", "Merkel", "visited", "Paris", ",", "and", "Rob", "did", "not")
MAX_EVALUATIONS = 513


def prove(tagger: Tagger) -> str:
    """Integrate one sentence through every layer. Returns a notice; raises ModelError where a layer is not complete."""
    kind = tagger.model.config.model_type
    try:
        integral = _integrate_probe(tagger)
    except Exception as error:  # a model of another kind may do and raise anything
        raise unsupported_model(kind, f"a probe sentence could not be explained, {first_line(error)}") from error
    if integral.status is not IntegrationStatus.CONVERGED:
        raise _incomplete(kind, integral)
    return (
        f'"{kind}" is no family that interp knows: its embedding block and {tagger.parts.count} layers were found by '
        "looking, and every layer was complete on a probe sentence."
    )


def _integrate_probe(tagger: Tagger) -> Integral:
    """Why the first word that the model reads has its tag."""
    encoding = tagger.encode(PROBE)
    (logits,) = tagger.logits([encoding])
    position = next(position for position in encoding.first[1:-1] if position is not None)
    tag = int(logits[position].argmax())
    objective = Objective(positions=(position,), tags=(tag,), against=None, output="logit")
    path = tagger.embedding_path(encoding, [objective], tagger.constant_reference(encoding, tagger.references[0]))
    sweep = integrate([path], tagger.evaluate, SweepOptions(max_evaluations=MAX_EVALUATIONS))
    return sweep.integrals[0][0]


def _incomplete(kind: str, integral: Integral) -> ModelError:
    change = integral.at_input - integral.at_reference
    layer, residual = max(enumerate(integral.residuals), key=lambda numbered: abs(numbered[1]))
    return unsupported_model(
        kind,
        f"on a probe sentence layer {layer} sums to {change + residual:.4g} "
        f"where F(input) - F(reference) is {change:.4g}",
    )
