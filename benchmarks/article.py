"""The article's analysis of "Rob", with its forward function and with an integral, on the bundled models.

The article's forward returned `logits[0][word].max(0)`: row 0 of the batch in which Captum stacks all steps, so only
the step next to the reference got a gradient, and the tag could change along the path. Run from the project's root:

    python -m benchmarks.article --out benchmarks/results/article.json
"""

from __future__ import annotations

import json
from pathlib import Path as File
from typing import Any

import click
import torch
from captum.attr import LayerIntegratedGradients
from torch import Tensor

from benchmarks.honesty import ARTICLE
from interp.explain import load
from interp.explanation import addresses
from interp.questions import Case
from interp.resolution import path_of, prepare

TARGET = 10
STEPS = 50


def as_published(name: str) -> dict[str, Any]:
    """Word attributions as the article computed them, and what completeness asks for."""
    model = load(name, device="cpu")
    tagger = model.tagger
    (one,) = prepare(model.tagger, [Case(ARTICLE, TARGET, tag="B-PER")])
    path = path_of(model.tagger, [one], False)
    (position,) = one.objective.positions
    ids = torch.tensor([one.encoding.ids])
    pads = torch.tensor([tagger._reference_ids(one.encoding, "pad")])

    def forward(rows: Tensor) -> Tensor:
        return tagger.model(input_ids=rows).logits[0][position].max(0).values[None]

    engine = LayerIntegratedGradients(forward, tagger.parts.embeddings)
    found = engine.attribute(ids, pads, n_steps=STEPS, internal_batch_size=None)
    words = path.sums(found.detach()[0].sum(-1)[None].double())[0].tolist()
    with torch.no_grad():
        ends = [float(forward(rows)) for rows in (ids, pads)]
    return {"words": words, "sum": sum(words), "change": ends[0] - ends[1]}


@click.command(help=__doc__)
@click.option("--out", type=click.Path(path_type=File))
def main(out: File | None) -> None:
    found: dict[str, Any] = {}
    for name in ("planted", "open"):
        published = as_published(name)
        explanation = load(name, device="cpu").explain(ARTICLE, TARGET, tag="B-PER")
        path = explanation.completeness.embedding
        change = path.at_input - path.at_reference
        names = [word.text for word in explanation.words]
        found[name] = {
            "words": addresses(names),
            "published": published,
            "integrated": {
                "words": explanation.attributions,
                "sum": explanation.score,
                "change": change,
                "estimate": path.estimate,
                "evaluations": path.evaluations,
            },
            "layers": {word: [layer[i] for layer in explanation.layers] for i, word in enumerate(addresses(names))},
        }
        click.echo(f"{name}: F(input) - F(reference) = {change:.4f}")
        click.echo(f"  as published: sum {published['sum']:.4f} (its own F changes by {published['change']:.4f})")
        click.echo(f"  integrated:   sum {explanation.score:.4f}, estimate {path.estimate:.1e}")
        for word, before, after in zip(addresses(names), published["words"], explanation.attributions, strict=True):
            click.echo(f"  {word:10} {before:+9.4f} {after:+9.4f}")
    if out is not None:
        out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
