"""How often the check by replaced words is right, on taggers whose mechanism is known.

    python -m benchmarks.truth.faithful --work DIR --out benchmarks/results/truth-faithful.json

Every explanation by integrated gradients from [PAD] is judged as it is, and with the mechanism's words put last and all
others shuffled. DIR is that of `python -m benchmarks.truth`, whose models are used; what is missing is trained.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from benchmarks.faithful import with_attributions
from benchmarks.truth.__main__ import recipes
from benchmarks.truth.measure import explained_texts
from benchmarks.truth.mechanisms import MECHANISMS
from benchmarks.truth.train import build
from interp.explain import Model
from interp.explain.faithful import FaithfulnessCheck
from interp.question import Question

RIGHT, WRONG = "as it is", "the mechanism's words last"


def judge_texts(model: Model, mechanism: str, case: str, *, count: int, seed: int) -> dict[str, Counter[str]]:
    """Verdicts of either ranking of `count` texts."""
    rng = np.random.default_rng(seed)
    texts = explained_texts(model, MECHANISMS[mechanism], case, count)
    questions = [
        Question(text.words, text.target + 1, tag="X", against="O", without=("components", "layers")) for text in texts
    ]
    prepared = model.prepare(questions)
    verdicts = {RIGHT: Counter[str](), WRONG: Counter[str]()}
    for number, (text, question, explanation) in enumerate(
        zip(texts, prepared, model.explain_many(prepared, tolerance=1e-2), strict=True)
    ):
        values = np.array(explanation.attributions)
        wrong = values.copy()
        wrong[1:-1] = np.abs(rng.permutation(values[1:-1]))
        wrong[[index + 1 for index in MECHANISMS[mechanism].evidence(text)]] = -np.abs(values).max()
        check = FaithfulnessCheck(model.tagger, seed + number).check
        for name, ranking in ((RIGHT, values), (WRONG, wrong)):
            checked = check(question, with_attributions(explanation, ranking))
            verdicts[name][checked.faithfulness.verdict if checked.faithfulness else "not checked"] += 1
    return verdicts


@click.command(help=__doc__)
@click.option("--work", type=click.Path(path_type=Path), required=True)
@click.option("--sentences", default=20, show_default=True, help="Of every model and case.")
@click.option("--seeds", default=3, show_default=True, help="Models of each mechanism.")
@click.option("--out", type=click.Path(path_type=Path))
def main(work: Path, sentences: int, seeds: int, out: Path | None) -> None:
    torch.set_num_threads(1)
    work.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for recipe in recipes(tuple(MECHANISMS), seeds):
        model, row = build(recipe, work)
        if not row["proven"]:
            continue
        for case in MECHANISMS[recipe.mechanism].cases:
            verdicts = judge_texts(model, recipe.mechanism, case, count=sentences, seed=1000 * recipe.seed)
            rows.append({"mechanism": recipe.mechanism, "case": case, "seed": recipe.seed, **verdicts})
            click.echo(f"{recipe.name} {case}: {dict(verdicts[RIGHT])}; wrong: {dict(verdicts[WRONG])}")
    if out is not None:
        lines = ",\n".join(json.dumps(row) for row in rows)
        out.write_text(f'{{"sentences": {sentences}, "rows": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
