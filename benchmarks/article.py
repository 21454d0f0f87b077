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

from benchmarks.honesty import ARTICLE
from interp.explain import load
from interp.explain.prepare import prepare
from interp.explanation import distinct_names
from interp.question import Question
from tests import published

TARGET = 10


def as_published(name: str) -> dict[str, Any]:
    """Word attributions as the article computed them, and what completeness asks for."""
    tagger = load(name, device="cpu").tagger
    (prepared,) = prepare(tagger, [Question(ARTICLE, TARGET, tag="B-PER")])
    integral = published.words(tagger, prepared)
    words = integral.sums.tolist()
    return {"words": words, "sum": sum(words), "change": integral.change}


@click.command(help=__doc__)
@click.option("--out", type=click.Path(path_type=File))
def main(out: File | None) -> None:
    results: dict[str, Any] = {}
    for name in ("planted", "open"):
        before = as_published(name)
        explanation = load(name, device="cpu").explain(ARTICLE, TARGET, tag="B-PER")
        path = explanation.completeness.embedding
        change = path.at_input - path.at_reference
        names = [word.text for word in explanation.words]
        results[name] = {
            "words": distinct_names(names),
            "published": before,
            "integrated": {
                "words": explanation.attributions,
                "sum": explanation.score,
                "change": change,
                "estimate": path.estimate,
                "evaluations": path.evaluations,
            },
            "layers": {
                word: [layer[i] for layer in explanation.layers] for i, word in enumerate(distinct_names(names))
            },
        }
        click.echo(f"{name}: F(input) - F(reference) = {change:.4f}")
        click.echo(f"  as published: sum {before['sum']:.4f} (its own F changes by {before['change']:.4f})")
        click.echo(f"  integrated:   sum {explanation.score:.4f}, estimate {path.estimate:.1e}")
        for word, old, new in zip(distinct_names(names), before["words"], explanation.attributions, strict=True):
            click.echo(f"  {word:10} {old:+9.4f} {new:+9.4f}")
    if out is not None:
        out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
