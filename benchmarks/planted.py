"""Is the planted cue on top? Over fresh sentences of the grammar whose answer is known.

python -m benchmarks.planted --count 1000 --out benchmarks/results/planted.json
"""

from __future__ import annotations

import json
from pathlib import Path as File

import click
import numpy as np
import torch

from interp.bundled import grammar
from interp.explain import load
from interp.question import Question


@click.command(help=__doc__)
@click.option("--count", default=1000, show_default=True)
@click.option("--seed", default=2026, show_default=True)
@click.option("--out", type=click.Path(path_type=File))
def main(count: int, seed: int, out: File | None) -> None:
    torch.set_num_threads(1)
    sentences = [s for s in grammar.sample(np.random.default_rng(seed), 3 * count) if s.target is not None][:count]
    model = load("planted", device="cpu")
    cases = [Question(s.words, s.target + 1, positions="same") for s in sentences]
    right = leads = converged = 0
    for sentence, explanation in zip(sentences, model.explain_many(cases), strict=True):
        right += explanation.target.predicted == (grammar.CUES[sentence.words[sentence.cue]],)
        leads += explanation.ranked[0].index == sentence.cue + 1
        converged += explanation.completeness.converged
    results = {"sentences": len(cases), "seed": seed, "tag_right": right, "cue_on_top": leads, "converged": converged}
    click.echo(json.dumps(results))
    if out is not None:
        out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
