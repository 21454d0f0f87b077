"""Where sentences come from: `tests/cases/`, `conll:dev.txt`, `jsonl:dev.jsonl`, `hf:dataset/`, `text:clean.txt`.

Options stand behind a question mark: `conll:dev.iob2?word=1&tag=2`, `jsonl:x.jsonl?words=tokens&tags=labels`,
`hf:dataset?split=validation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from json import JSONDecodeError
from typing import Any

from interp.cases.case import CASE_SUFFIX
from interp.cases.load import load_cases
from interp.errors import InputError, counted
from interp.project.files import read_text
from interp.project.settings import Settings
from interp.project.strict_json import parse_json
from interp.question.tags import OUTSIDE
from interp.question.words import find_target, split_words, unsplit_words
from interp.texts.columns import read_columns
from interp.texts.dialects import DIALECTS
from interp.texts.gold import understand
from interp.texts.rows import read_row
from interp.texts.sentences import RawSentence, Sentence
from interp.texts.spec import OPTIONS, Source, parse_source
from interp.texts.spelling import is_marked
from interp.texts.table import is_document_mark, numbered_lines
from interp.versions import install_command

__all__ = ["KINDS", "read_sentences"]

Say = Callable[[str], None]
"""Takes a sentence for the user."""
Reading = tuple[list[Sentence], list[str]]

KINDS = tuple(OPTIONS)
FEWEST_SPLIT = 3
"""Characters of a word in a script without spaces, before it is told that it may be several: where a text is split."""
FEWEST_TAGGED = 3
"""Lines by which columns are told from sentences."""
FEWEST_GIVEN = 10
"""The same where words are given."""


def _say_nothing(_note: str) -> None:
    """Nobody listens."""


def read_sentences(
    specs: Iterable[str],
    settings: Settings,
    usual: str | None = None,
    *,
    say: Say = _say_nothing,
    labels: bool = True,
) -> list[Sentence]:
    """All sentences of all specs, in their order. `usual` is what a file is taken for whose name does not tell. `say`
    is told, once a source, what was left out or read in one of several ways. Without `labels` right tags are not read.

    Raises InputError, also where two sentences have one id, or there is none.
    """
    sentences: dict[str, Sentence] = {}
    for spec in specs:
        source = parse_source(spec, usual)
        if not labels:
            source = source.without_labels()
        from_source, notes = _READERS[source.kind](source, settings)
        for sentence in from_source:
            if sentence.id in sentences:
                raise InputError(f"{sentence.id} comes twice: name every file once.")
            sentences[sentence.id] = sentence
        if not from_source:
            raise InputError(f"{spec} holds no sentence.")
        for note in notes:
            say(note)
    return list(sentences.values())


def _cases(source: Source, settings: Settings) -> Reading:
    files = sorted(source.path.rglob(f"*{CASE_SUFFIX}")) if source.path.is_dir() else [source.path]
    sentences = []
    for path in files:
        for case in load_cases(path, path.as_posix(), settings):
            words = case.question.words
            target = tuple(index - 1 for index in find_target(words, case.question.target))
            where = f"{path.as_posix()}::{case.id}"
            sentences.append(Sentence(where, where, words=tuple(words), gold=None, targets=(target,)))
    return sentences, []


def _conll(source: Source, _settings: Settings) -> Reading:
    dialect = source.options.get("format")
    raw, notes = DIALECTS[dialect](source) if dialect else read_columns(source)
    return _understood(raw, source, notes)


def _jsonl(source: Source, _settings: Settings) -> Reading:
    raw = [
        read_row(row, f"{source.shown}:{number}", number, source=source, name_of=lambda _field, tag: tag)
        for number, row in _json_rows(source)
    ]
    return _understood(raw, source, [])


def _json_rows(source: Source) -> Iterator[tuple[int, Any]]:
    """Rows with their line; of a file that is one array, with their number."""
    text = read_text(source.path, source.shown)
    of_array = None
    if text.lstrip().startswith("["):
        try:
            rows = parse_json(text)
        except ValueError as error:  # unless every line is an array
            of_array = error
        else:
            if isinstance(rows, list) and not (rows and isinstance(rows[0], str)):
                yield from enumerate(rows, 1)
                return
    for line in numbered_lines(text):
        if line.text.strip():
            try:
                yield line.number, parse_json(line.text)
            except ValueError as error:
                if of_array is not None:
                    raise _no_json(source, 1, of_array) from error
                raise _no_json(source, line.number, error) from error
            of_array = None


def _no_json(source: Source, line: int, error: ValueError) -> InputError:
    """`line` is where what is read begins."""
    why = str(error)
    if isinstance(error, JSONDecodeError):
        line += error.lineno - 1
        why = f"{error.msg}, at column {error.colno}"
    return InputError(f"{source.shown}:{line}: is no JSON ({why}): give one object a line, or one array.")


def _hf(source: Source, _settings: Settings) -> Reading:
    try:
        from datasets import Dataset, DatasetDict, load_from_disk
    except ImportError as error:
        raise InputError(f"Data sets need the library datasets: {install_command('datasets')}") from error
    try:
        loaded = load_from_disk(str(source.path))
    except (OSError, ValueError) as error:
        raise InputError(f"{source.shown} is no data set that save_to_disk wrote: {error}") from error
    if isinstance(loaded, DatasetDict):
        split = source.options.get("split")
        if split not in loaded:
            lack = f"no split {split}" if split else "several splits"
            raise InputError(f"{source.shown} has {lack}: write hf:{source.shown}?split=, one of {', '.join(loaded)}.")
        loaded = loaded[split]
    assert isinstance(loaded, Dataset)

    def name_of(field: str, tag: Any) -> Any:
        names = getattr(getattr(loaded.features.get(field), "feature", None), "names", None)
        if names is None or not isinstance(tag, int) or tag in (-1, -100):
            return None if names is not None and tag in (-1, -100) else tag
        if not 0 <= tag < len(names):
            raise InputError(f"{source.shown}: {field} holds {tag}, and has names for 0 to {len(names) - 1}.")
        return names[tag]

    raw = [
        read_row(dict(row), f"{source.shown}:{number}", number, source=source, name_of=name_of)
        for number, row in enumerate(loaded)
    ]
    return _understood(raw, source, [])


def _text(source: Source, _settings: Settings) -> Reading:
    """A sentence a line, split into words by the rule of `interp.question.words`."""
    raw = []
    lines = [line for line in numbered_lines(read_text(source.path, source.shown)) if line.text.strip()]
    if len(lines) >= FEWEST_TAGGED and all(_is_tagged_word(line.text) for line in lines):
        raise InputError(
            f"{source.shown}:{lines[0].number}: every line is a word with its tag, and no sentence: write "
            f"conll:{source.shown}."
        )
    for line in lines:
        where, words = f"{source.shown}:{line.number}", tuple(split_words(line.text))
        places = (line.number,) * len(words)
        raw.append(RawSentence(id=where, document=where, words=words, lines=places, split=True))
    return _understood(raw, source, [])


def _is_tagged_word(text: str) -> bool:
    """Also with other columns between."""
    cells = text.split()
    return len(cells) > 1 and (is_marked(cells[-1]) or cells[-1] == OUTSIDE or is_document_mark(text))


def _understood(raw: Sequence[RawSentence], source: Source, notes: Sequence[str]) -> Reading:
    sentences, further = understand(raw, source)
    unsplit = [
        word
        for sentence in raw
        for word in unsplit_words(sentence.words, FEWEST_SPLIT if sentence.split else FEWEST_GIVEN)
    ]
    script = []
    if unsplit:
        script = [
            f'{source.shown}: {counted(len(unsplit), "word")}, such as "{unsplit[0][:20]}", with several characters '
            f"of a script without spaces, which may be several words: give sentences as words split already."
        ]
    return sentences, [*notes, *further, *script]


_READERS: dict[str, Callable[[Source, Settings], Reading]] = {
    "cases": _cases,
    "conll": _conll,
    "jsonl": _jsonl,
    "hf": _hf,
    "text": _text,
}
