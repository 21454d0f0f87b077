"""Which taggers can be named, `spacy:en_core_web_sm`: an adapter each, found by the entry points `interp.taggers`.

An adapter is a module (or an object) with two functions, `check` and `load`; another package brings one by

    [project.entry-points."interp.taggers"]
    mine = "my_package.interp_adapter"

and then `mine:LOCATION?option=value` is a tagger in every command.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Protocol

from interp.errors import InputError, InterpError, ModelError
from interp.taggers.predictor import Predictor, Words
from interp.taggers.spec import TaggerSpec, parse_tagger_spec
from interp.versions import install_command

__all__ = ["GROUP", "TaggerAdapter", "check_tagger", "is_tagger", "load_tagger", "require"]

GROUP = "interp.taggers"


class TaggerAdapter(Protocol):
    """What a module behind an entry point has. Neither function may need its library before it is called."""

    def check(self, spec: TaggerSpec, /) -> None:
        """Raise InputError or ModelError for what cannot be loaded, as far as that can be told in a moment."""

    def load(self, spec: TaggerSpec, sentences: Sequence[Words], /) -> Predictor:
        """The tagger. Raises InputError or ModelError. `sentences` are what it will be asked about, for an adapter that
        can learn its tags only so.
        """


def is_tagger(name: str) -> bool:
    """Whether a model's name is one of an adapter: `spacy:…`, but no directory, bundled name or hub id."""
    prefix, colon, _ = name.partition(":")
    return bool(colon) and (prefix in _adapters() or (prefix.isidentifier() and len(prefix) > 1))


def check_tagger(name: str) -> None:
    """Raise an error for a tagger that cannot be loaded, before anything that takes time."""
    spec = parse_tagger_spec(name)
    _find_adapter(spec).check(spec)


def load_tagger(name: str, sentences: Sequence[Words]) -> Predictor:
    """Raises InputError or ModelError. `sentences`: what it will be asked about."""
    spec = parse_tagger_spec(name)
    adapter = _find_adapter(spec)
    adapter.check(spec)
    return adapter.load(spec, sentences)


def require(module: str, extra: str) -> None:
    """Raise ModelError where the library of an adapter is not installed."""
    if find_spec(module) is None:
        raise ModelError(f"{extra}: needs {module}, which is not installed: {install_command(extra)}")


@cache
def _adapters() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _find_adapter(spec: TaggerSpec) -> TaggerAdapter:
    known = _adapters()
    if spec.adapter not in known:
        names = ", ".join(f"{name}:" for name in sorted(known))
        close = get_close_matches(spec.adapter, known, n=1)
        hint = f" Did you mean {close[0]}:?" if close else ""
        raise InputError(f'"{spec}" is of no known sort: taggers are named by {names} else a directory.{hint}')
    try:
        adapter: TaggerAdapter = known[spec.adapter].load()
    except InterpError:
        raise
    except Exception as error:
        raise ModelError(
            f"The adapter {spec.adapter}: ({known[spec.adapter].value}) cannot be imported: {error}."
        ) from error
    return adapter
