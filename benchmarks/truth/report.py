"""Tables of what benchmarks.truth measured, as Markdown.

    python -m benchmarks.truth.report benchmarks/results/truth.json

Cells are means over models of the means over their texts; intervals are 95 % by Student's t over models, as texts of
one model are not independent, cut at what is possible. `--full` adds every number of every mechanism.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.truth.summary import PLACES, interval

Row = Mapping[str, Any]
UNBOUNDED = ("best", "worst", "logits", "unsettled")
ALL = "all"
GRIDS = {
    "precision": "Precision at k",
    "share": "Share of the mass on the mechanism's words",
    "sign": "Right signs",
    "logits": "Logits on the mechanism's words",
    "balance": "The smaller of two words over the larger",
    "special": "Share of the mass on [CLS] and [SEP]",
}


def label(row: Row) -> str:
    return " ".join(filter(None, (row["mechanism"], row["case"])))


def names(rows: Sequence[Row], name_of: Callable[[Row], Any]) -> list[Any]:
    """In the order in which they first come."""
    return list(dict.fromkeys(map(name_of, rows)))


def mean(values: Sequence[float], digits: int = 2) -> str:
    return f"{np.mean(values):.{digits}f}" if values else "–"


def with_interval(values: Sequence[float], field: str) -> str:
    """Mean and interval, cut at what is possible."""
    ends, most = interval(values), math.inf if field in UNBOUNDED else 1
    return mean(values) + (f" ({max(ends[0], 0):.2f} to {min(ends[1], most):.2f})" if ends else "")


def per_model(rows: Sequence[Row], field: str) -> list[float]:
    """One value for each model: the mean over its cases."""
    models = names(rows, lambda row: (row["mechanism"], row["seed"]))
    having = [row for row in rows if field in row]
    values = [[row[field] for row in having if (row["mechanism"], row["seed"]) == model] for model in models]
    return [float(np.mean(some)) for some in values if some]


def lines_of(head: Sequence[str], body: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    yield from (f"| {' | '.join(line)} |" for line in body)
    yield ""


def proofs(models: Sequence[Row]) -> Iterator[str]:
    """The worst of a mechanism's models, and how far edits move the margin in the mean."""
    body = []
    for mechanism in names(models, lambda row: row["recipe"]["mechanism"]):
        some = [row["proof"] for row in models if row["recipe"]["mechanism"] == mechanism]
        proven = sum(row["proven"] for row in models if row["recipe"]["mechanism"] == mechanism)
        turning, neutral = ([rate for proof in some for rate in proof[part].values()] for part in ("flips", "stays"))
        decoy = [proof["stays"]["decoy"][5] for proof in some if "decoy" in proof["stays"]]
        body.append(
            [
                mechanism,
                f"{proven} of {len(some)}",
                f"{min(proof['accuracy'][2] for proof in some):.4f}",
                f"{min(rate[2] for rate in turning):.4f} ({min(rate[3] for rate in turning):.4f})",
                f"{max(rate[2] for rate in neutral):.4f} ({max(rate[4] for rate in neutral):.4f})",
                mean([rate[5] for rate in turning], 1),
                mean([rate[5] for rate in neutral]),
                mean(decoy),
            ]
        )
    head = ["mechanism", "proven", "accuracy", "flips, least (low)", "stays, most that flip (high)"]
    yield from lines_of([*head, "turning edits move the margin", "neutral ones", "the decoy"], body)


def grid(rows: Sequence[Row], field: str) -> Iterator[str]:
    """Methods against mechanisms, and over all models with an interval."""
    columns = names([row for row in rows if field in row], label)
    body = []
    for method in names(rows, lambda row: row["method"]):
        own = [row for row in rows if row["method"] == method and field in row]
        if own:
            cells = [mean([row[field] for row in own if label(row) == column]) for column in columns]
            body.append([method, *cells, with_interval(per_model(own, field), field)])
    if field in ("precision", "share"):
        some = [row for row in rows if row["method"] == rows[0]["method"]]
        chance = [mean([row["chance"] for row in some if label(row) == column]) for column in columns]
        body.append(["*random order, or equal mass*", *chance, mean(per_model(some, "chance"))])
    yield from lines_of(["method", *columns, ALL], body)


def by_blanks(rows: Sequence[Row]) -> Iterator[str]:
    """Whether a model that has seen blanks is explained better."""
    body = []
    for method in names(rows, lambda row: row["method"]):
        cells = []
        for field in ("share", "sign"):
            for blanks in (True, False):
                own = [row for row in rows if row["method"] == method and row["blanks"] is blanks]
                values = per_model(own, field)
                cells.append(with_interval(values, field) if values else "–")
        body.append([method, *cells])
    yield from lines_of(
        ["method", "share, trained with blanks", "without", "right signs, trained with blanks", "without"], body
    )


def decoys(rows: Sequence[Row]) -> Iterator[str]:
    own = [row for row in rows if "decoy" in row]
    body = []
    for method in names(own, lambda row: row["method"]):
        some = [row for row in own if row["method"] == method]
        body.append([method, *(with_interval([row[field] for row in some], field) for field in ("share", "decoy"))])
    yield from lines_of(["method", "share of the cue", "share of the decoy"], body)


def depth(layers: Sequence[Row], rows: Sequence[Row]) -> Iterator[str]:
    """Where evidence sits: mechanism's words / target / rest, layer by layer, and the position table's share."""
    numbers = sorted({row["layer"] for row in layers})
    body = []
    for column in names(layers, label):
        cells = []
        for number in numbers:
            some = [row for row in layers if label(row) == column and row["layer"] == number]
            cells.append(" / ".join(mean([row[part] for row in some]) for part in PLACES))
        shares = [row["position table"] for row in rows if label(row) == column and "position table" in row]
        body.append([column, *cells, mean(shares)])
    yield from lines_of(
        ["mechanism", *(f"layer {number}" if number else "words" for number in numbers), "position table"], body
    )


def full(rows: Sequence[Row]) -> Iterator[str]:
    """Every number of every case."""
    fields = (*GRIDS, "best", "worst", "target", "decoy", "unsettled")
    for column in names(rows, label):
        own = [row for row in rows if label(row) == column]
        body = []
        for method in names(own, lambda row: row["method"]):
            some = [row for row in own if row["method"] == method]
            values = [[row[field] for row in some if field in row] for field in fields]
            cells = [with_interval(value, field) if value else "–" for value, field in zip(values, fields, strict=True)]
            body.append([method, *cells])
        yield f"### {column}, {len(names(own, lambda row: row['seed']))} models\n"
        yield from lines_of(["method", *fields], body)


def report(content: Mapping[str, Any], everything: bool) -> Iterator[str]:
    rows: Sequence[Row] = content["rows"]
    yield f"{len(content['models'])} models, {content['sentences']} texts of each case.\n"
    yield "### Proof\n"
    yield from proofs(content["models"])
    for field, title in GRIDS.items():
        yield f"### {title}\n"
        yield from grid(rows, field)
    yield "### Decoy\n"
    yield from decoys(rows)
    yield "### With and without blanks in training\n"
    yield from by_blanks(rows)
    yield "### Depth\n"
    yield from depth(content["layers"], rows)
    if everything:
        yield from full(rows)


@click.command(help=__doc__)
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.option("--full", "everything", is_flag=True, help="Every number of every mechanism, too.")
def main(file: Path, everything: bool) -> None:
    for line in report(json.loads(file.read_text()), everything):
        click.echo(line)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.truth.report")
