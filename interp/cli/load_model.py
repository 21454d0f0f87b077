"""Models that a command names: looked for before torch is imported, which takes seconds, and loaded in sight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from interp.cli.console import say
from interp.cli.progress import phase
from interp.errors import InputError

if TYPE_CHECKING:
    from interp.explain import Model
    from interp.taggers import Predictor

__all__ = ["MODEL_HELP", "check_models", "check_taggers", "load_model", "load_predictor", "say_notices"]

MODEL_HELP = "Bundled name, directory or hub id; or any tagger: spacy:NAME, presidio:FILE, python:module:function, ..."


def check_models(names: Iterable[str], device: str) -> None:
    """Raise an InterpError for names that can be no model to explain, or no device; the hub is not asked."""
    check_taggers(_with_gradients(names), device)


def _with_gradients(names: Iterable[str]) -> Iterator[str]:
    from interp.taggers import is_tagger

    for name in names:
        if is_tagger(name):
            raise InputError(
                f'"{name}" gives tags and no gradients, which explanations need: name a transformers model, or ask '
                "`interp probe` what this tagger takes for a sign of a tag."
            )
        yield name


def check_taggers(names: Iterable[str], device: str) -> None:
    """The same where any tagger will do."""
    from interp.models.device import check_device
    from interp.models.locate import check_name
    from interp.taggers import check_tagger, is_tagger

    check_device(device)
    for name in names:
        if is_tagger(name):
            check_tagger(name)
        else:
            check_name(name)


def load_model(name: str, device: str, dtype: str = "float32") -> Model:
    """As `interp.load`."""
    with phase(f"loading {name}"):
        from interp.explain import load

        return load(name, device, dtype)


def load_predictor(name: str, device: str, sentences: Sequence[Sequence[str]]) -> Predictor:
    """Any tagger, forward only. `sentences`: what it will be asked about, from which a function's tags are learnt."""
    from interp.taggers import ModelPredictor, is_tagger, load_tagger

    if not is_tagger(name):
        return ModelPredictor(load_model(name, device))
    with phase(f"loading {name}"):
        return load_tagger(name, sentences)


def say_notices(*predictors: Predictor | None) -> None:
    """What whoever reads the tags of these taggers should know; a transformers model's stand in its explanations."""
    from interp.taggers import is_tagger

    for predictor in predictors:
        if predictor is not None and is_tagger(predictor.name):
            say(*predictor.notices)
