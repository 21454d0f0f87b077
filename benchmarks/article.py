"""The article's analysis of "Rob", with its forward function and with an integral, on the bundled models.

The article's forward returned `logits[0][word].max(0)`: row 0 of the batch in which Captum stacks all steps, so only
the step next to the reference got a gradient, and the tag could change along the path. The integral's split into
tables is computed for every choice of the reference's positions, the article's among them. Run from the project's root:

    python -m benchmarks.article --out benchmarks/results/article.json
"""

from __future__ import annotations

import json
from pathlib import Path as File
from typing import Any, get_args

import click

from benchmarks.honesty import ARTICLE
from interp.explain import Model, load
from interp.explain.prepare import prepare
from interp.explanation import distinct_names
from interp.question import Positions, Question
from tests import published

TARGET = 10


def as_published(name: str) -> dict[str, Any]:
    """Word attributions as the article computed them, and what completeness asks for."""
    tagger = load(name, device="cpu").tagger
    (prepared,) = prepare(tagger, [Question(ARTICLE, TARGET, tag="B-PER")])
    integral = published.words(tagger, prepared)
    words = integral.sums.tolist()
    return {"words": words, "sum": sum(words), "change": integral.change}


def split(model: Model) -> dict[str, Any]:
    """By the reference's positions: each table's values, F(input) - F(reference), and what the path cost."""
    by_positions = {}
    for positions in get_args(Positions):
        explanation = model.explain(ARTICLE, TARGET, tag="B-PER", positions=positions, without=("layers",))
        path, components = explanation.completeness.components, explanation.components
        assert path is not None and components is not None
        by_positions[positions] = {
            "tables": components.present,
            "change": path.at_input - path.at_reference,
            "estimate": path.estimate,
            "evaluations": path.evaluations,
        }
    return by_positions


@click.command(help=__doc__)
@click.option("--out", type=click.Path(path_type=File))
def main(out: File | None) -> None:
    results: dict[str, Any] = {}
    for name in ("planted", "open"):
        before = as_published(name)
        model = load(name, device="cpu")
        explanation = model.explain(ARTICLE, TARGET, tag="B-PER", without=("components",))
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
            "components": split(model),
            "layers": {
                word: [layer[i] for layer in explanation.layers] for i, word in enumerate(distinct_names(names))
            },
        }
        click.echo(f"{name}: F(input) - F(reference) = {change:.4f}")
        click.echo(f"  as published: sum {before['sum']:.4f} (its own F changes by {before['change']:.4f})")
        click.echo(f"  integrated:   sum {explanation.score:.4f}, estimate {path.estimate:.1e}")
        for word, old, new in zip(distinct_names(names), before["words"], explanation.attributions, strict=True):
            click.echo(f"  {word:10} {old:+9.4f} {new:+9.4f}")
        for positions, parts in results[name]["components"].items():
            tables = {table: (sum(values), values[TARGET]) for table, values in parts["tables"].items()}
            shares = ", ".join(f"{table} {total:+.4f} (Rob {rob:+.4f})" for table, (total, rob) in tables.items())
            click.echo(
                f"  positions {positions}: {shares} of {parts['change']:.4f}, {parts['evaluations']} evaluations"
            )
    if out is not None:
        out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
