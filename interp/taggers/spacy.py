"""`spacy:NAME` and `spacy:DIR`: a pipeline of spaCy's as it is in production, with what sets `doc.ents` in it.

`spacy.load` runs functions that installed packages have registered, those that config.cfg names; an installed pipeline
is imported too. Its data are JSON, msgpack and arrays: no pickle is read (a part in torch by `weights_only`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from interp.errors import InputError, ModelError, first_line
from interp.project.paths import checked_path
from interp.taggers.adapters import require
from interp.taggers.char_spans import CharSpan, SpanPredictor
from interp.taggers.fingerprint import fingerprint_files, package_of
from interp.taggers.library_warnings import collect_warnings, first_sentence
from interp.taggers.predictor import Words
from interp.taggers.spec import TaggerSpec

if TYPE_CHECKING:
    from spacy.language import Language

__all__ = ["check", "check_pipeline", "find_pipeline_folder", "load", "pipeline_packages"]

FILES = ("config.cfg", "meta.json")
"""That make a folder a pipeline."""


def check(spec: TaggerSpec) -> None:
    """Raise InputError or ModelError where there is no such pipeline, or no spaCy; nothing is imported."""
    require("spacy", "spacy")
    spec.check_options(())
    check_pipeline(spec.location, str(spec))


def load(spec: TaggerSpec, sentences: Sequence[Words]) -> SpanPredictor:  # noqa: ARG001
    """The pipeline. Raises InputError or ModelError; one that sets no entities is refused."""
    check(spec)
    with collect_warnings(str(spec)) as notices:
        nlp = _load_pipeline(spec)
    kinds = sorted(set(_list_kinds(nlp)))
    if not kinds:
        raise ModelError(f"{spec} sets no entities: its parts are {', '.join(nlp.pipe_names) or 'none'}.")
    return SpanPredictor(
        str(spec),
        partial(_find_spans, nlp),
        kinds=kinds,
        sha256=fingerprint_files([find_pipeline_folder(spec.location)], packages=pipeline_packages(nlp)),
        notices=notices,
    )


def check_pipeline(name: str, shown: str) -> None:
    """Raise InputError where spaCy would find no pipeline of this name."""
    folder = find_pipeline_folder(name)
    if not folder.is_dir():
        raise InputError(f'"{shown}" is neither an installed pipeline of spaCy\'s nor the directory of one.')
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing and _installed_folder(name) is None:
        inner = sorted(path.parent for path in folder.glob("*/config.cfg"))
        hint = f" There is one in {inner[0]}." if inner else ""
        raise InputError(f'"{shown}" is no pipeline of spaCy\'s: there is no {" and no ".join(missing)} in it.{hint}')


def find_pipeline_folder(name: str) -> Path:
    """Of an installed pipeline, which goes first as it does in spaCy, or the directory of that name."""
    return _installed_folder(name) or checked_path(name)


def pipeline_packages(nlp: Language) -> set[str]:
    """Packages whose code runs a pipeline."""
    return {"spacy", "thinc", *(package_of(part) for _, part in nlp.pipeline)}


def _installed_folder(name: str) -> Path | None:
    """Of a package with a pipeline in it; it is not imported."""
    package = None
    if name.isidentifier():
        with suppress(ValueError):  # __main__
            package = find_spec(name)
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent
    return folder if (folder / "meta.json").is_file() else None


def _load_pipeline(spec: TaggerSpec) -> Language:
    import spacy

    try:
        return spacy.load(spec.location if _installed_folder(spec.location) else find_pipeline_folder(spec.location))
    except Exception as error:
        raise ModelError(f"{spec} cannot be loaded: {first_sentence(first_line(error))}.") from error


def _list_kinds(nlp: Language) -> Iterator[str]:
    """Those of every active part that sets `doc.ents`."""
    for name, part in nlp.pipeline:
        if "doc.ents" in nlp.get_pipe_meta(name).assigns or getattr(part, "annotate_ents", False):
            yield from getattr(part, "labels", ())


def _find_spans(nlp: Language, texts: Sequence[str]) -> Iterator[list[CharSpan]]:
    for document in nlp.pipe(texts):
        yield [CharSpan(span.start_char, span.end_char, span.label_) for span in document.ents]
