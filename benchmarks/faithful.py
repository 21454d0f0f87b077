"""How often the check by replaced words is right, on the model `planted`, whose cue is known.

    python -m benchmarks.faithful --out benchmarks/results/faithful.json

Every explanation is judged as it is, and with its ranking spoilt: the cue changed places with another word, the cue
last and all others shuffled, all shuffled, every sign turned. About a minute.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from numpy.random import Generator

import interp
from interp.bundled.grammar import Planted, sample
from interp.explain.faithful import FaithfulnessCheck
from interp.explanation import Explanation
from interp.question import Question

Array = npt.NDArray[np.float64]


def spoilt(attributions: Array, cue: int, rng: Generator) -> Iterator[tuple[str, Array]]:
    """The ranking as it is, then in worse orders. [CLS] and [SEP] stay out of them."""
    words = np.arange(1, len(attributions) - 1)
    yield "as it is", attributions
    swapped = attributions.copy()
    other = rng.choice(words[words != cue])
    swapped[[cue, other]] = attributions[[other, cue]]
    yield "the cue and another word changed places", swapped
    shuffled = attributions.copy()
    shuffled[words] = rng.permutation(attributions[words])
    yield "all shuffled", shuffled
    last = shuffled.copy()
    last[cue] = -np.abs(attributions).max()
    yield "all shuffled, the cue last", last
    yield "every sign turned", -attributions


def with_attributions(explanation: Explanation, values: Array) -> Explanation:
    words = zip(explanation.words, values, strict=True)
    return replace(explanation, words=tuple(replace(word, attribution=float(value)) for word, value in words))


def cued(count: int, rng: Generator) -> Iterator[Planted]:
    """Sentences with a cue, and no [PAD] in them."""
    while count:
        (drawn,) = sample(rng, 1)
        if drawn.target is not None and "[PAD]" not in drawn.words:
            count -= 1
            yield drawn


@click.command(help=__doc__)
@click.option("--sentences", default=60, show_default=True)
@click.option("--out", type=click.Path(path_type=Path))
def main(sentences: int, out: Path | None) -> None:
    model, rng = interp.load("planted", "cpu"), np.random.default_rng(0)
    verdicts: dict[str, Counter[str]] = {}
    for number, drawn in enumerate(cued(sentences, rng)):
        assert drawn.target is not None and drawn.cue is not None
        question = Question(list(drawn.words), drawn.target + 1, without=("components", "layers"))
        (prepared,) = model.prepare([question])
        (explanation,) = model.explain_many([prepared], tolerance=1e-2)
        check = FaithfulnessCheck(model.tagger, number).check
        for name, values in spoilt(np.array(explanation.attributions), drawn.cue + 1, rng):
            checked = check(prepared, with_attributions(explanation, values))
            verdict = checked.faithfulness.verdict if checked.faithfulness else checked.absent["faithfulness"]
            verdicts.setdefault(name, Counter())[verdict] += 1
        if not (number + 1) % 10:
            click.echo(f"{number + 1} of {sentences} sentences", err=True)
    for name, counts in verdicts.items():
        click.echo(f"{name}: {', '.join(f'{verdict} {count}' for verdict, count in counts.most_common())}")
    if out is not None:
        out.write_text(json.dumps({"sentences": sentences, "verdicts": verdicts}, indent=1) + "\n")


if __name__ == "__main__":
    main()
