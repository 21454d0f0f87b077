"""Whether the parts found in a model of no known family are the right ones."""

from __future__ import annotations

from interp.engine.options import SweepOptions
from interp.engine.status import IntegrationStatus
from interp.engine.sweep import integrate
from interp.errors import first_line
from interp.models.find_parts import unsupported_model
from interp.models.objective import Objective
from interp.models.tagger import Tagger

__all__ = ["prove"]

PROBE = ("Angela", "Merkel", "visited", "Paris", ",", "and", "Rob", "did", "not")


def prove(tagger: Tagger) -> str:
    """Integrate one sentence through every layer. Returns a notice; raises ModelError where a layer is not complete."""
    kind, parts = tagger.model.config.model_type, tagger.parts
    try:
        encoding = tagger.encode(PROBE)
        (logits,) = tagger.logits([encoding])
        at = next(place for place in encoding.first[1:-1] if place is not None)
        objective = Objective((at,), (int(logits[at].argmax()),), None, "logit")
        path = tagger.embedding_path(encoding, [objective], tagger.references[0])
        (result,) = integrate([path], tagger.evaluate, SweepOptions(max_evaluations=513)).integrals[0]
    except Exception as error:  # a model of another kind may do and raise anything
        raise unsupported_model(kind, f"a probe sentence could not be explained, {first_line(error)}") from error
    if result.status is not IntegrationStatus.CONVERGED:
        change = result.at_input - result.at_reference
        worst = max(range(len(result.residuals)), key=lambda layer: abs(result.residuals[layer]))
        raise unsupported_model(
            kind,
            f"on a probe sentence layer {worst} sums to {change + result.residuals[worst]:.4g} "
            f"where F(input) - F(reference) is {change:.4g}",
        )
    return (
        f'"{kind}" is no family that interp knows: its embedding block and {parts.count} layers were found by looking, '
        "and every layer was complete on a probe sentence."
    )
