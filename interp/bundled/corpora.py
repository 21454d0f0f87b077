"""Column-format NER corpora as sentences of words and IOB2 tags over PER, LOC and ORG.

The corpora differ in file names, columns, tag names and scheme (WikiGold has `I-` only). Those differences
are rows of `CORPORA`; one reader serves them all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from numpy.random import Generator

from interp.errors import InputError
from interp.question.tags import TaggedSentence

__all__ = [
    "CORPORA",
    "HELD_OUT",
    "LABELS",
    "CorpusFiles",
    "alone",
    "iob2",
    "names_of",
    "read",
    "split_wikigold",
    "swapped",
    "tidy",
]

LABELS: tuple[str, ...] = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")
HELD_OUT = 250
"""WikiGold's sentences that no training sees: the file's last, so whole articles (bar one) are unseen."""

_NEWS_KINDS = {"PER": "PER", "LOC": "LOC", "ORG": "ORG"}
_SOCIAL_KINDS = {"person": "PER", "location": "LOC", "corporation": "ORG", "group": "ORG"}
_TITLE_WORDS = """
mr mrs ms miss dr prof professor sir lord lady dame president pres premier minister pm chancellor senator sen
mp governor gov mayor king queen prince princess duke duchess pope cardinal bishop rev coach captain capt sgt
judge justice
"""
_TITLES = frozenset(_TITLE_WORDS.split())
_NATIONALITY_ENDINGS = """
ian ish ese israeli iraqi pakistani afghani american mexican african german french dutch greek swiss welsh
czech korean
"""
_NATIONALITIES = tuple(_NATIONALITY_ENDINGS.split())
"""Endings of words for a country's people, language or things."""


@dataclass(frozen=True, kw_only=True)
class CorpusFiles:
    """Where a corpus lies below the data folder and how its columns read."""

    files: tuple[str, ...]
    kinds: Mapping[str, str]
    """Kinds kept and what they are called here; every other kind becomes O."""
    separator: str | None = "\t"
    """Between columns; None for any run of blanks."""
    word: int = 0
    tag: int = -1
    comments: bool = False
    """Whether lines that begin with '# ' are comments (in tweets they are words)."""


CORPORA: Mapping[str, CorpusFiles] = {
    "wikigold": CorpusFiles(files=("open-ner/wikigold.conll.txt",), kinds=_NEWS_KINDS, separator=None),
    # Part e (200 tweets) stays out: its spans are off by words ("Russia Today shares/B-ORG this/I-ORG").
    "btc": CorpusFiles(files=tuple(f"open-ner/btc_{part}.conll" for part in "abfgh"), kinds=_NEWS_KINDS),
    "wnut": CorpusFiles(
        files=("open-ner/wnut17train.conll", "open-ner/emerging.dev.conll", "open-ner/emerging.test.annotated"),
        kinds=_SOCIAL_KINDS,
    ),
    "uner-dev": CorpusFiles(files=("open-ner/uner_dev.iob2",), kinds=_NEWS_KINDS, word=1, tag=2, comments=True),
    "uner-test": CorpusFiles(files=("open-ner/uner_test.iob2",), kinds=_NEWS_KINDS, word=1, tag=2, comments=True),
    "conll-test": CorpusFiles(files=("conll2003/test.txt",), kinds=_NEWS_KINDS, separator=None),
}


def iob2(tags: Iterable[str], kinds: Mapping[str, str]) -> tuple[str, ...]:
    """Tags of any IO, IOB1 or IOB2 scheme as IOB2, kinds renamed by `kinds` and O where it lacks one.

    A span begins at `B-`, and at an `I-` that does not continue a span of its kind.
    """
    renamed: list[str] = []
    before = ""
    for tag in tags:
        prefix, _, name = tag.partition("-")
        kind = kinds.get(name, "")
        if not kind:
            renamed.append("O")
        elif prefix == "I" and kind == before:
            renamed.append(f"I-{kind}")
        else:
            renamed.append(f"B-{kind}")
        before = kind
    return tuple(renamed)


def read(name: str, data: Path) -> list[TaggedSentence]:
    """All sentences of the corpus `name` (a key of `CORPORA`) below the folder `data`, in file order."""
    corpus = CORPORA[name]
    return [sentence for file in corpus.files for sentence in _read_file(data / file, corpus)]


def _read_file(path: Path, corpus: CorpusFiles) -> list[TaggedSentence]:
    if not path.is_file():
        raise InputError(f"corpus file {path} is missing: point the data folder at one that holds it")
    sentences: list[TaggedSentence] = []
    rows: list[list[str]] = []
    # Not splitlines(): tweets hold characters that it takes for line ends.
    for line in [*path.read_text(encoding="utf-8").split("\n"), ""]:
        if corpus.comments and line.startswith("# "):
            continue
        if line.strip():
            rows.append([column.strip() for column in line.split(corpus.separator)])
        elif rows:
            sentences.extend(_sentence_of_rows(rows, corpus))
            rows = []
    return sentences


def _sentence_of_rows(rows: Sequence[Sequence[str]], corpus: CorpusFiles) -> list[TaggedSentence]:
    """The sentence in `rows`; none where they hold only a document marker."""
    # A few tweets have rows without a word or without a tag; they carry nothing.
    kept = [row for row in rows if len(row) > 1 and row[corpus.word] and row[corpus.word] != "-DOCSTART-"]
    if not kept:
        return []
    tags = iob2((row[corpus.tag] for row in kept), corpus.kinds)
    return [TaggedSentence(tuple(row[corpus.word] for row in kept), tags)]


def split_wikigold(sentences: Sequence[TaggedSentence]) -> tuple[list[TaggedSentence], list[TaggedSentence]]:
    """WikiGold as (training, held out): the last `HELD_OUT` sentences are held out."""
    return list(sentences[:-HELD_OUT]), list(sentences[-HELD_OUT:])


def tidy(sentence: TaggedSentence) -> TaggedSentence:
    """The sentence under one convention, where the corpora (and often two annotators of one) differ.

    * User names (`@name`, `@ name`) and hashtags are O, as in WNUT-17; most of the Broad Twitter Corpus tags
      every user name, even the `@`, as a person.
    * Titles ("President", "Dr.") stay outside persons, as in most of WikiGold.
    * A nationality on its own ("Russian air space") is no place, as in WikiGold.
    """
    tags: list[str] = []
    handle_next = False
    for index, (word, tag) in enumerate(zip(sentence.words, sentence.tags, strict=True)):
        plain = word.lower().rstrip(".")
        handle = handle_next or word[0] in "@#"
        title = tag == "B-PER" and plain in _TITLES
        single = tag == "B-LOC" and sentence.tags[index + 1 : index + 2] != ("I-LOC",)
        tags.append("O" if handle or title or (single and plain.endswith(_NATIONALITIES)) else tag)
        handle_next = word in ("@", "#")
    return TaggedSentence(sentence.words, iob2(tags, _NEWS_KINDS))


def names_of(sentences: Iterable[TaggedSentence]) -> dict[str, list[tuple[str, ...]]]:
    """The distinct names of each kind, as tuples of words, in order of appearance."""
    names: dict[str, dict[tuple[str, ...], None]] = {}
    for sentence in sentences:
        for start, stop, kind in _pieces(sentence.tags):
            if kind:
                names.setdefault(kind, {})[sentence.words[start:stop]] = None
    return {kind: list(of_kind) for kind, of_kind in names.items()}


def _pieces(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """IOB2 tags cut into (start, stop, kind): each name as one piece, each O word on its own with kind ""."""
    cut: list[tuple[int, int, str]] = []
    for index, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        if prefix == "I":
            start, _, kind = cut.pop()
            cut.append((start, index + 1, kind))
        else:
            cut.append((index, index + 1, kind))
    return cut


def alone(name: tuple[str, ...], kind: str) -> TaggedSentence:
    """A sentence that is one name; with kind "", words that are none."""
    return TaggedSentence(name, (f"B-{kind}", *[f"I-{kind}"] * (len(name) - 1)) if kind else ("O",) * len(name))


def swapped(sentence: TaggedSentence, names: Mapping[str, Sequence[tuple[str, ...]]], rng: Generator) -> TaggedSentence:
    """The sentence with every name replaced by a random one of its kind."""
    words: list[str] = []
    tags: list[str] = []
    for start, stop, kind in _pieces(sentence.tags):
        name = names[kind][int(rng.integers(len(names[kind])))] if kind else sentence.words[start:stop]
        part = alone(name, kind)
        words.extend(part.words)
        tags.extend(part.tags)
    return TaggedSentence(tuple(words), tuple(tags))
