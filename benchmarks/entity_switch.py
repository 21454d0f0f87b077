"""Do names of other national origins drop F1, as Agarwal et al. found (arXiv 2004.04123)?

    python -m benchmarks.entity_switch --data ../shared/data --out benchmarks/results/entity-switch.json

The people of CoNLL-2003's test sentences get names of each origin that comes along with `interp gate`, so many words as
before; nothing else changes. Strict span F1 of `open` with MISC as O, and the change with its interval over documents.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from interp.explain import load
from interp.project.settings import Settings
from interp.question.tags import Entity
from interp.records.tag import tag_sentences
from interp.scoring import UnitSums, compare_entities, count_confusions, f1, interval, unit_of
from interp.stress import name_variants, shipped_names, write_otherwise
from interp.taggers import ModelPredictor, Predictor
from interp.texts import Sentence, read_sentences

Array = npt.NDArray[np.float64]
Entities = tuple[frozenset[Entity], frozenset[Entity]]
"""The right ones and the model's."""


def read_documents(data: Path, most: int | None, seed: int) -> list[Sentence]:
    """CoNLL-2003's test sentences with MISC as O; of `most` documents at random, where that is given."""
    sentences = [
        replace(sentence, gold=tuple("O" if tag is None or tag.endswith("MISC") else tag for tag in sentence.gold))
        for sentence in read_sentences([f"conll:{data / 'conll2003' / 'test.txt'}"], Settings())
        if sentence.gold
    ]
    names = list(dict.fromkeys(sentence.document for sentence in sentences))
    if most is None or most >= len(names):
        return sentences
    chosen = set(np.random.default_rng(seed).choice(names, most, replace=False).tolist())
    return [sentence for sentence in sentences if sentence.document in chosen]


def find_both(predictor: Predictor, sentences: Sequence[Sentence]) -> list[Entities]:
    return [
        (entities.right, entities.baseline)
        for record in tag_sentences(predictor, sentences)
        for entities in [compare_entities(record, record, record.gold or (), predictor.labels)]
    ]


def compare(plain: Sequence[Entities], switched: Sequence[Entities], sentences: Sequence[Sentence]) -> dict[str, Any]:
    """F1 of people and of all kinds before and after, and how many people there are."""
    row: dict[str, Any] = {}
    for name, kinds in (("PER", {"PER"}), ("all", {"PER", "LOC", "ORG"})):
        sums = UnitSums(6)
        for sentence, *sides in zip(sentences, plain, switched, strict=True):
            counts = (
                count_confusions(*({entity for entity in side if entity.kind in kinds} for side in entities))
                for entities in sides
            )
            sums.add(sentence.document, sentence.id, tuple(chain.from_iterable(counts)))

        def change(columns: Array) -> Array:
            return np.asarray(f1(columns[..., 3:]) - f1(columns[..., :3]))

        total, rows = sums.total, sums.rows(unit_of(sums.documents))
        row[name] = {
            "plain": float(f1(total[:3])),
            "switched": float(f1(total[3:])),
            "change": float(change(total)),
            "interval": interval(rows, change, 0),
            "entities": int(total[0] + total[2]),
        }
    return row


@click.command(help=__doc__)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path))
@click.option("--model", default="open", show_default=True)
@click.option("--documents", type=int, help="Only so many, at random.  [default: all]")
@click.option("--seed", default=0, show_default=True, help="Of the names that are drawn.")
def main(data: Path, out: Path | None, model: str, documents: int | None, seed: int) -> None:
    sentences = read_documents(data, documents, seed)
    predictor = ModelPredictor(load(model, "cpu"))
    plain = find_both(predictor, sentences)
    origins = {}
    for name, variant in name_variants(shipped_names()).items():
        written = [write_otherwise(sentence, name, variant, seed) for sentence in sentences]
        changed = [place for place, other in enumerate(written) if other.words != sentences[place].words]
        switched = list(plain)
        for place, entities in zip(changed, find_both(predictor, [written[place] for place in changed]), strict=True):
            switched[place] = entities
        origin = name.removeprefix("with names of ")
        origins[origin] = compare(plain, switched, sentences)
        people = origins[origin]["PER"]
        click.echo(
            f"{origin}: PER {people['plain']:.3f} → {people['switched']:.3f} ({people['change']:+.3f}, "
            f"{people['interval'][0]:+.3f} to {people['interval'][1]:+.3f})"
        )
    results = {
        "model": model,
        "sha256": predictor.sha256,
        "seed": seed,
        "sentences": len(sentences),
        "documents": len({sentence.document for sentence in sentences}),
        "origins": origins,
    }
    if out is not None:
        out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
