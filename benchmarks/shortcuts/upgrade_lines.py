"""What an upgrade of a tagger changed, by sorts of lines: names lost and won, and what it calls words of digits.

    python -m benchmarks.shortcuts.upgrade_lines --before spacy:DIR --after spacy:DIR --data ../shared/data \\
        --out benchmarks/results/upgrade-lines.json

All of CoNLL-2003's validation sentences, MISC left out; docs/spacy-upgrade.md reads the result.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import click
from scipy.stats import binomtest

from interp.gate import parse_map
from interp.project.settings import Settings
from interp.question.tags import OUTSIDE, find_entities, kind_of
from interp.taggers import load_tagger
from interp.texts import read_sentences
from interp.versions import versions

DIGITS = re.compile(r"[\d./:-]+")
DATE = re.compile(r"\d{4}-\d\d-\d\d")


def sort_of(words: Sequence[str]) -> str:
    """As a reader would sort the lines of sports pages and newswire."""
    if DATE.fullmatch(words[-1]):
        return "dateline"
    if re.fullmatch(r"\d+\.", words[0]):
        return "line of a result"
    if 2 * sum(bool(DIGITS.fullmatch(word)) for word in words) >= len(words):
        return "line of a table"
    if 2 * sum(word.isupper() and len(word) > 1 for word in words) >= len(words):
        return "headline in capitals"
    return "prose" if words[-1] in '.?!"' and len(words) > 8 else "other"


def name_tags(tagger: str, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
    predictor = load_tagger(tagger, sentences)
    return [[predictor.labels[best] for best in probabilities.argmax(-1)] for probabilities in predictor(sentences)]


@click.command(help=__doc__)
@click.option("--before", required=True, metavar="TAGGER")
@click.option("--after", required=True, metavar="TAGGER")
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--map", "kinds", default="PERSON=PER,ORG=ORG,GPE=LOC,LOC=LOC", show_default=True)
@click.option("--out", type=click.Path(path_type=Path))
def main(before: str, after: str, data: Path, kinds: str, out: Path | None) -> None:
    names = parse_map([kinds])
    corpus = read_sentences([f"conll:{data / 'conll2003' / 'valid.txt'}?map=MISC=O"], Settings())
    texts = [sentence.words for sentence in corpus]
    sides = [name_tags(tagger, texts) for tagger in (before, after)]

    def spans(tags: Sequence[str]) -> set[tuple[int, int, str]]:
        told = {(span.start, span.stop, names.get(span.kind, span.kind)) for span in find_entities(tags)}
        return {span for span in told if span[2] in names.values()}

    lines: dict[str, Counter[str]] = defaultdict(Counter)
    digits: list[Counter[str]] = [Counter(), Counter()]
    for sentence, *tagged in zip(corpus, *sides, strict=True):
        right = spans([tag or OUTSIDE for tag in sentence.gold or ()])
        old, new = (spans(tags) & right for tags in tagged)
        for sort in (sort_of(sentence.words), "all"):
            lines[sort].update(lines=1, names=len(right), before=len(old), after=len(new))
            lines[sort].update(lost=len(old - new), won=len(new - old))
        for counter, tags in zip(digits, tagged, strict=True):
            of_digits = (tag for word, tag in zip(sentence.words, tags, strict=True) if DIGITS.fullmatch(word))
            counter.update(tag if tag == OUTSIDE else kind_of(tag) for tag in of_digits)
    rows = {
        sort: {**counts, "p": round(binomtest(counts["lost"], counts["lost"] + counts["won"]).pvalue, 3)}
        for sort, counts in lines.items()
    }
    told = {"versions": versions("spacy"), "lines": rows, "digits": [dict(counter.most_common()) for counter in digits]}
    click.echo(json.dumps(told, indent=1))
    if out is not None:
        out.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
