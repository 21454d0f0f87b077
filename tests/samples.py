"""Explanations made by hand, no model ran: as the engine's, every layer's sum is F(input) - F(reference)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from interp.engine.status import IntegrationStatus
from interp.explanation import (
    Completeness,
    Components,
    Explanation,
    Integration,
    Method,
    ModelInfo,
    Reference,
    Run,
    Target,
    Word,
    Zoom,
)

ARTICLE = "Soccer - Steve Tiger gets a lucky win , Rob in surprise defeat"
HOSTILE = [
    "<script>alert(1)</script>",
    "\x1b[31mred\x1b[0m",
    "\u202eevil\u202c",
    "[bold]markup[/bold]",
    '"><img/src=x/onerror=alert(1)>',
    "👩\u200d🔬",
    "東京",
    "محمد",
    "$x^2$",
    "{{7*7}}",
    "tab\there",
    "lone\ud800",
    "Rob",
]


def article(kind: str = "pad", zoom: bool = True) -> Explanation:
    """The article's sentence on a 12-layer model: `surprise` gives nearly all, `Rob` speaks against."""
    shown = make(ARTICLE.split(), target="Rob", leader="surprise", tags={"Steve": "B-PER", "Tiger": "I-PER"})
    zoomed = zoom_of("surprise", 12, len(shown.layers)) if zoom else None
    shown = replace(shown, zoom=zoomed, reference=Reference(kind, "zero"))  # type: ignore[arg-type]
    return shown if kind == "pad" else _scattered(shown)


def not_converged() -> Explanation:
    """The component path ran out of evaluations."""
    done = article()
    paths = done.completeness
    assert paths.components is not None
    stuck = replace(paths.components, estimate=0.023, evaluations=257, status=IntegrationStatus.NOT_CONVERGED)
    return replace(done, completeness=replace(paths, components=stuck))


def negligible() -> Explanation:
    """The words move the output by 0.0033 of a logit of 6.7, on which float64 was not tried."""
    done = article(zoom=False)
    ends = {"at_input": 6.6933, "at_reference": 6.69, "estimate": 0.0023, "status": IntegrationStatus.NEGLIGIBLE}
    scale = 0.0033 / (done.at_input - done.at_reference)
    words = tuple(replace(word, attribution=word.attribution * scale) for word in done.words)
    layers = tuple(tuple(value * scale for value in layer) for layer in done.layers)
    embedding = replace(done.completeness.embedding, **ends)  # type: ignore[arg-type]
    completeness = replace(done.completeness, embedding=embedding, components=None)
    absent = {"components": "not asked for"}
    return replace(done, words=words, layers=layers, components=None, completeness=completeness, absent=absent)


def without_parts() -> Explanation:
    """A model without position and token-type tables, and without a component path."""
    absent = {
        "components": "the component path needs tables that can be interpolated; this model has none",
        "components.token_type": "DistilBERT has no token-type table",
    }
    done = article(zoom=False)
    return replace(done, components=None, absent=absent, completeness=replace(done.completeness, components=None))


def hostile() -> Explanation:
    """Words, labels, a model name and a reason that attack a terminal, a page or a table's order."""
    done = make(HOSTILE, target="Rob", leader="<script>alert(1)</script>", tags={"محمد": "B-PER"})
    name = "<b>model</b>\x1b]0;title\x07"
    model = replace(done.model, name=name)
    zoom = zoom_of(HOSTILE[0], 1, len(done.layers))
    target = replace(done.target, tags=("B-<i>PER</i>",), words=("Rob\u202e",))
    words = tuple(replace(word, tag="<u>O</u>") if word.index == 3 else word for word in done.words)
    absent = {"token_type": "<script>alert(2)</script>"}
    assert done.components is not None
    components = replace(done.components, token_type=None)
    return replace(done, model=model, zoom=zoom, target=target, words=words, absent=absent, components=components)


def repeated() -> Explanation:
    """`Rob` twice, as one target of two words, against another tag, with true tags."""
    words = ["Rob", "Rob", "met", "a", "lucky", "Rob"]
    done = make(words, target="Rob", leader="lucky")
    target = replace(
        done.target,
        words=("Rob", "Rob"),
        indices=(1, 2),
        tags=("B-PER", "I-PER"),
        against=("B-ORG", "I-ORG"),
        probabilities=(0.91, 0.87),
        predicted=("B-PER", "I-PER"),
        true=("B-PER", "O"),
    )
    return replace(done, target=target)


def long() -> Explanation:
    """Sixty words, one of them too wide for any column."""
    words = [*(f"word{k}" for k in range(58)), "Donaudampfschifffahrtsgesellschaftskapitän", "Rob"]
    done = make(words, target="Rob", leader="word7")
    return replace(done, zoom=zoom_of("word7", 8, len(done.layers)))


def by_methods(first: Explanation | None = None) -> list[Explanation]:
    """The words of one question by integrated gradients, one that draws, and one without signs; another is refused."""
    shown = replace(first or article(), components=None, layers=(), zoom=None, absent={"layers": "not asked for"})
    refused = {"method deep-lift": "this model shares its layers: choose another method"}
    return [replace(shown, absent=shown.absent | refused), second(shown, "lime"), second(shown, "saliency")]


def second(shown: Explanation, name: str) -> Explanation:
    """The same question by "lime", which draws, or by "saliency", which gives magnitudes."""
    drawn = name == "lime"
    values = [0.9 * value + 0.02 if drawn else abs(value) + 0.1 for value in shown.attributions]
    words = tuple(replace(word, attribution=value) for word, value in zip(shown.words, values, strict=True))
    method = Method(
        name=name,
        description="coefficients of a linear model" if drawn else "size of the gradient",
        parameters={"samples": 100, "kernel_width": 1.0} if drawn else {},
        seed=7 if drawn else None,
        signed=drawn,
        complete="no",
        at_input=shown.at_input,
        at_reference=shown.at_reference,
        residual=sum(values) - (shown.at_input - shown.at_reference) if drawn else None,
        residual_error=0.05 if drawn else None,
        evaluations=802 if drawn else 3,
        errors=tuple(0.01 * (1 + word.index) for word in words) if drawn else None,
    )
    why = f"{name} gives the words alone"
    return replace(
        shown,
        words=words,
        completeness=Completeness(None, None),
        components=None,
        layers=(),
        zoom=None,
        absent={"components": why, "layers": why},
        method=method,
    )


def make(
    words: Sequence[str], *, target: str, leader: str, tags: dict[str, str] | None = None, layers: int = 12
) -> Explanation:
    """An explanation of `target` as B-PER where `leader` gives most."""
    sentence = ["[CLS]", *words, "[SEP]"]
    at, lead = sentence.index(target), sentence.index(leader)
    values = _attributions(len(sentence), at, lead)
    total = float(values.sum())
    told = {**(tags or {}), target: "B-PER"}
    return Explanation(
        model=ModelInfo(
            name="planted", sha256="3f9a" * 16, labels=("O", "B-PER", "I-PER", "B-ORG", "B-LOC"), layers=layers
        ),
        text=" ".join(words),
        words=tuple(_word(k, text, told, float(values[k]), len(sentence)) for k, text in enumerate(sentence)),
        target=Target(
            words=(target,),
            indices=(at,),
            tags=("B-PER",),
            against=None,
            probabilities=(0.9996005892753601,),
            output="logit",
            predicted=("B-PER",),
        ),
        reference=Reference("pad", "zero"),
        components=_components(values, at),
        layers=_layers(values, at, layers),
        zoom=None,
        completeness=_completeness(total, layers),
        run=Run(
            device="cpu",
            dtype="float32",
            threads=2,
            rows_per_forward=64,
            versions={"interp": "0.1.0", "torch": "2.13.0", "transformers": "5.0.0"},
        ),
    )


def zoom_of(word: str, index: int, layers: int, dims: int = 64) -> Zoom:
    """Early layers spread widely; late ones cluster at zero."""
    draw = np.random.default_rng(7)
    rows = [draw.standard_t(3, dims) * 0.2 * 0.7**layer for layer in range(layers + 1)]
    embedding, *layers = (tuple(map(float, row)) for row in rows)
    return Zoom(word, index, embedding, tuple(layers))


def _word(index: int, text: str, tags: dict[str, str], value: float, count: int) -> Word:
    special = index in (0, count - 1)
    tag = None if special else tags.get(text, "O")
    odds = None if special else (0.9996005892753601 if tag == "B-PER" else 0.97 + 0.0299 * (index % 7) / 7)
    return Word(index=index, text=text, special=special, tag=tag, probability=odds, attribution=value)


def _attributions(count: int, at: int, lead: int) -> np.ndarray:
    values = np.random.default_rng(3).normal(0.12, 0.12, count)
    values[0] = 0.0
    values[at], values[lead] = -0.523, 9.74
    return values


def _components(values: np.ndarray, at: int) -> Components:
    position = -0.03 * np.abs(np.sin(np.arange(len(values)))) - 0.02
    position[0], position[at], position[-1] = 0.0, -0.63, 0.73
    word = values - position
    return Components(tuple(map(float, word)), tuple(map(float, position)), (0.0,) * len(values))


def _layers(values: np.ndarray, at: int, layers: int) -> tuple[tuple[float, ...], ...]:
    """The evidence moves to the target word while every layer keeps its sum."""
    rows = []
    for layer in range(1, layers + 1):
        stay = 0.8 ** (layer**1.3)
        row = values * stay
        row[at] += values.sum() * (1 - stay)
        rows.append(tuple(map(float, row)))
    return tuple(rows)


def _completeness(total: float, layers: int) -> Completeness:
    drift = [(-1) ** k * 3e-5 / (k + 1) for k in range(layers + 1)]
    ends = {"at_input": 9.887, "at_reference": 9.887 - total, "tolerance": 1e-3, "status": IntegrationStatus.CONVERGED}
    return Completeness(
        Integration(residuals=tuple(drift), estimate=4.1e-4, evaluations=65, **ends),  # type: ignore[arg-type]
        Integration(residuals=(7.2e-5,), estimate=8.7e-4, evaluations=33, **ends),  # type: ignore[arg-type]
    )


def _scattered(explanation: Explanation) -> Explanation:
    """The same question under another reference: the numbers move."""
    moved = np.random.default_rng(5).normal(0, 0.8, len(explanation.words))
    words = tuple(
        replace(word, attribution=word.attribution * 0.6 + float(shift))
        for word, shift in zip(explanation.words, moved, strict=True)
    )
    return replace(explanation, words=words)
