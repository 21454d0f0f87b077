"""Do references agree more about a tagger that has learned masked sentences, and does it tag as well?

    python -m benchmarks.truth.masked --model open --model DIR --data DIR --out benchmarks/results/truth-masked.json

The first model is what the others are held against. Entities of Universal NER's dev part that every model finds are
explained by integrated gradients from every reference, for their right tags. Means are over entities. Changes are of
the same entities, with 95 % intervals by bootstrap over documents (of WikiGold's F1 over sentences). A model takes
about twelve minutes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice
from pathlib import Path
from typing import Any, TypeAlias, get_args

import click
import numpy as np
import torch

from benchmarks.entity_switch import compare, find_both, read_documents
from benchmarks.rounding import rounded
from benchmarks.truth.__main__ import lines
from interp.bundled.corpora import read, split_wikigold
from interp.explain import Model, load
from interp.explanation import Explanation
from interp.explanation.agreement import reference_agreement
from interp.explanation.faithfulness import VERDICTS
from interp.project.settings import Settings
from interp.question import ConstantReference, Question
from interp.question.tags import Entity, find_entities
from interp.records.tag import tag_sentences
from interp.scoring import UnitSums, interval, strict_spans
from interp.taggers import ModelPredictor, Predictor
from interp.texts import Sentence, read_sentences

__all__ = ["Asked", "change", "find_asked", "measure", "pair_numbers", "summarise", "table"]

FEWEST_OTHERS = 3
"""Words beside the entity, of which a rank correlation can be told."""
ALL = "all"
SHOWN = ("pad, mask", ALL)
"""Of the rows of the results, those that the table has."""
UNER = "conll:{}/open-ner/uner_{}.iob2?word=1&tag=2&comments=yes"
Key: TypeAlias = tuple[str, str]
"""A measure, and the references or the pair of them that it is of."""


@dataclass(frozen=True)
class Asked:
    """An entity that every model finds."""

    sentence: Sentence
    entity: Entity

    def questions(self) -> list[Question]:
        """One for each reference."""
        start, stop, kind = self.entity.start, self.entity.stop, self.entity.kind
        return [
            Question(
                self.sentence.words,
                tuple(range(start + 1, stop + 1)),
                tag=[f"B-{kind}", *[f"I-{kind}"] * (stop - start - 1)],
                reference=reference,
                without=("components", "layers"),
            )
            for reference in get_args(ConstantReference)
        ]


def find_asked(predictors: Sequence[Predictor], sentences: Sequence[Sentence], *, count: int, seed: int) -> list[Asked]:
    """The entities of up to `count` sentences, drawn from those with an entity that all find as it is."""
    found = [_right_entities(sentence) for sentence in sentences]
    for predictor in predictors:
        for entities, record in zip(found, tag_sentences(predictor, sentences), strict=True):
            tags = [tag for tag in record.tags if tag is not None]
            # A word that a tokeniser drops would shift the others.
            entities &= strict_spans(tags, predictor.labels) if len(tags) == len(record.words) else set()
    having = [place for place, entities in enumerate(found) if entities]
    chosen = np.random.default_rng(seed).permutation(having)[:count]
    return [Asked(sentences[place], entity) for place in sorted(chosen) for entity in sorted(found[place])]


def _right_entities(sentence: Sentence) -> set[Entity]:
    """Those that stand among enough other words."""
    entities = find_entities(sentence.gold or ())
    return {entity for entity in entities if len(sentence.words) - entity.stop + entity.start >= FEWEST_OTHERS}


def measure(model: Model, asked: Sequence[Asked], seed: int) -> Iterator[dict[Key, float]]:
    """Of each entity all numbers that there are."""
    questions = [question for entity in asked for question in entity.questions()]
    explanations = model.explain_many(questions, faithful=True, seed=seed)
    for _ in asked:
        same = list(islice(explanations, len(get_args(ConstantReference))))
        values = {**pair_numbers(same), **reference_numbers(same)}
        for name in _measures(values):
            values[name, ALL] = float(np.mean([value for (other, _), value in values.items() if other == name]))
        yield values


def _measures(keys: Iterable[Key]) -> list[str]:
    return list(dict.fromkeys(name for name, _ in keys))


def pair_numbers(explanations: Sequence[Explanation]) -> dict[Key, float]:
    values: dict[Key, float | None] = {}
    for first, second in combinations(explanations, 2):
        where = f"{first.reference.kind}, {second.reference.kind}"
        words = reference_agreement(first, second)
        context = reference_agreement(_context_alone(first), _context_alone(second))
        values["mass moved", where] = words.difference
        values["mass moved, context alone", where] = context.difference
        values["rank correlation, context alone", where] = context.correlation
        values["same leader", where] = float(words.same_leader)
    return _present(values)


def _context_alone(explanation: Explanation) -> Explanation:
    """The target's words count as special, so that they are left out of what is compared."""
    target = explanation.target.indices
    words = (replace(word, special=word.special or word.index in target) for word in explanation.words)
    return replace(explanation, words=tuple(words))


def reference_numbers(explanations: Sequence[Explanation]) -> dict[Key, float]:
    values: dict[Key, float | None] = {}
    for explanation in explanations:
        where, checked = explanation.reference.kind, explanation.faithfulness
        sizes = np.abs(explanation.attributions)
        values["F of the reference", where] = explanation.at_reference
        values["F explained", where] = explanation.at_input - explanation.at_reference
        values["part on the entity", where] = float(sizes[list(explanation.target.indices)].sum() / sizes.sum())
        values["evaluations", where] = explanation.integration.evaluations
        values["settled", where] = float(explanation.completeness.settled)
        for verdict in VERDICTS:
            values[verdict, where] = float(checked.verdict == verdict) if checked else None
        ranks = checked.rank_agreement if checked else None
        values["agreement with words left out", where] = ranks.mean if ranks else None
    return _present(values)


def _present(values: Mapping[Key, float | None]) -> dict[Key, float]:
    """What is there, but for rank correlations that are undefined."""
    return {key: value for key, value in values.items() if value is not None and math.isfinite(value)}


Numbers: TypeAlias = Sequence[Mapping[Key, float]]
"""One model's, entity by entity."""


def change(asked: Sequence[Asked], plain: Numbers, other: Numbers, key: Key) -> dict[str, Any]:
    """Of the entities of which both models have the number: its change in the mean, and the interval of that."""
    sums = UnitSums(2)
    for one, before, after in zip(asked, plain, other, strict=True):
        if key in before and key in after:
            sums.add(one.sentence.document, one.sentence.id, (after[key] - before[key], 1.0))

    def mean(columns: Any) -> Any:
        return columns[..., 0] / np.maximum(columns[..., 1], 1)

    rows = sums.rows("documents")
    return {
        "change": float(mean(sums.total)),
        "interval": interval(rows, mean, 0, bounds=(-math.inf, math.inf)),
        "entities": int(sums.total[1]),
    }


def summarise(asked: Sequence[Asked], numbers: Sequence[Numbers]) -> list[dict[str, Any]]:
    """A row for each measure, and what it is of: means of all models, and the changes from the first to each other."""
    found = list(dict.fromkeys(key for row in numbers[0] for key in row))
    keys = [key for name in _measures(found) for key in found if key[0] == name]
    return [
        {
            "measure": key[0],
            "of": key[1],
            "means": [float(np.mean([row[key] for row in rows if key in row])) for rows in numbers],
            "changes": [change(asked, numbers[0], rows, key) for rows in numbers[1:]],
        }
        for key in keys
    ]


def compare_scores(predictors: Sequence[Predictor], data: Path) -> dict[str, list[dict[str, Any]]]:
    """Strict span F1 on the three evaluation sets, of the first model and of each other."""
    wikigold = [
        Sentence(f"wikigold:{number}", f"wikigold:{number}", words=sentence.words, gold=sentence.tags)
        for number, sentence in enumerate(split_wikigold(read("wikigold", data))[1])
    ]
    sets = {
        "wikigold": wikigold,
        "uner": read_sentences([UNER.format(data, "test")], Settings()),
        "conll": read_documents(data, None, 0),
    }
    rows = {}
    for name, sentences in sets.items():
        first, *others = (find_both(predictor, sentences) for predictor in predictors)
        rows[name] = [compare(first, other, sentences)["all"] for other in others]
    return rows


def table(results: Mapping[str, Any]) -> Iterator[str]:
    """Markdown: the first model, and each other with its change."""
    names = results["models"]
    yield f"| | of | {' | '.join(names)} |"
    yield "|---" * (2 + len(names)) + "|"
    for name, rows in results["scores"].items():
        cells = [f"{row['switched']:.3f} {_told(row, 3)}" for row in rows]
        yield f"| F1 | {name} | {rows[0]['plain']:.3f} | {' | '.join(cells)} |"
    for row in (row for row in results["rows"] if row["of"] in SHOWN):
        cells = [
            f"{mean:.2f} {_told(changed, 2)}" for mean, changed in zip(row["means"][1:], row["changes"], strict=True)
        ]
        yield f"| {row['measure']} | {row['of']} | {row['means'][0]:.2f} | {' | '.join(cells)} |"


def _told(changed: Mapping[str, Any], digits: int) -> str:
    low, high = (f"{end:+.{digits}f}" for end in changed["interval"])
    return f"({changed['change']:+.{digits}f}, {low} to {high})"


@click.command(help=__doc__)
@click.option("--model", "names", multiple=True, required=True, help="A bundled name or a folder; two at least.")
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path))
@click.option("--sentences", "count", default=100, show_default=True)
@click.option("--seed", default=0, show_default=True, help="Of the sentences, and of the words that are replaced.")
def main(names: tuple[str, ...], data: Path, out: Path | None, count: int, seed: int) -> None:
    if len(names) < 2:
        raise click.UsageError("give --model twice at least")
    torch.set_num_threads(1)
    models = [load(name, "cpu") for name in names]
    predictors = [ModelPredictor(model) for model in models]
    asked = find_asked(predictors, read_sentences([UNER.format(data, "dev")], Settings()), count=count, seed=seed)
    numbers = []
    for model in models:
        numbers.append(list(measure(model, asked, seed)))
        click.echo(f"{model.info.name}: {len(asked)} entities explained", err=True)
    results = {
        "models": [Path(name).name for name in names],
        "sha256": [model.info.sha256 for model in models],
        "sentences": len({one.sentence.id for one in asked}),
        "documents": len({one.sentence.document for one in asked}),
        "entities": len(asked),
        "seed": seed,
        "scores": compare_scores(predictors, data),
        "rows": summarise(asked, numbers),
    }
    click.echo("\n".join(table(results)))
    if out is not None:
        out.write_text(lines(rounded(results)))


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.truth.masked")
