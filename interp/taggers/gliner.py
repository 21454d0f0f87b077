"""`gliner:DIR?labels=person,location`: a GLiNER directory, asked for these kinds.

Weights are tensors alone (safetensors, or `weights_only`). GLiNER builds its encoder with `trust_remote_code`, so
settings that name code are refused, and so is a directory that does not hold the settings of its encoder: GLiNER would
look for them elsewhere.

At a threshold of one half a span's score is its probability: of spans that overlap the likeliest one's. GLiNER is asked
for less likely spans too, which does not change the likelier, so what lies below one half is known. At another
threshold, and of models that score tokens, there are tags alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interp.errors import InputError, ModelError, first_line
from interp.models.config_files import read_settings
from interp.project.paths import checked_path
from interp.taggers.adapters import require
from interp.taggers.char_spans import CharSpan, SpanPredictor
from interp.taggers.fingerprint import fingerprint_files
from interp.taggers.library_warnings import collect_warnings, first_sentence
from interp.taggers.predictor import Words
from interp.taggers.spec import TaggerSpec

if TYPE_CHECKING:
    from gliner.model import BaseEncoderGLiNER

__all__ = ["check", "load"]

SETTINGS, TOKENIZER = "gliner_config.json", "tokenizer_config.json"
HALF = 0.5
LEAST = 0.01
"""Probability of a span that is asked for; below it a probe takes all for the same."""
DOWNLOADING_SPLITTERS = frozenset({"hanlp", "stanza"})
ENCODERS = {"model_name": "encoder_config", "labels_encoder": "labels_encoder_config"}
"""Keys that name an encoder, and those that hold its settings."""
OTHER_TASKS = {"labels_decoder": "makes up its kinds", "relations_layer": "finds relations"}


def check(spec: TaggerSpec) -> None:
    """Raise InputError or ModelError for a directory that is no model of GLiNER's, or would run code."""
    require("gliner", "gliner")
    spec.check_options(("labels", "threshold"))
    _kinds(spec)
    _threshold(spec)
    folder = checked_path(spec.location)
    missing = [name for name in (SETTINGS, TOKENIZER) if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f'"{spec}" is no directory of GLiNER\'s: there is no {" and no ".join(missing)} in it. '
            "What GLiNER loads, its save_pretrained writes whole."
        )
    for path in sorted(folder.rglob("*config.json")):
        _refuse_code(path, read_settings(path))
    _check_settings(spec, read_settings(folder / SETTINGS))


def load(spec: TaggerSpec, sentences: Sequence[Words]) -> SpanPredictor:  # noqa: ARG001
    """The model, with the kinds that are asked for. Raises InputError or ModelError."""
    check(spec)
    folder = checked_path(spec.location)
    with collect_warnings(str(spec)) as notices:
        model = _load_model(spec, folder)
    threshold = _threshold(spec)
    likely = threshold == HALF and model.config.span_mode != "token_level"
    reader = _Reader(model, _kinds(spec), LEAST if likely else threshold)
    return SpanPredictor(
        str(spec),
        reader.find_spans,
        kinds=_kinds(spec),
        sha256=fingerprint_files(
            [folder], packages=("gliner", "torch", "transformers"), settings=str(sorted(spec.options.items()))
        ),
        gives_probabilities=likely,
        notices=notices,
        count_read=reader.count_read,
    )


class _Reader:
    """A model that is asked for some kinds."""

    def __init__(self, model: BaseEncoderGLiNER, kinds: Sequence[str], threshold: float) -> None:
        self._model, self._kinds, self._threshold = model, list(kinds), threshold

    def find_spans(self, texts: Sequence[str]) -> Iterator[list[CharSpan]]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sentence of length")  # the end has no tags, which tells it
            spans_of_texts = self._model.inference(list(texts), self._kinds, threshold=self._threshold)
        for spans in spans_of_texts:
            yield [CharSpan(span["start"], span["end"], span["label"], span["score"]) for span in spans]

    def count_read(self, text: str) -> int:
        """Characters; of a long text GLiNER leaves the end out, by its words or by their sub-tokens."""
        prepared = self._model.prepare_batch([text], self._kinds)
        if not prepared["valid_texts"]:
            return len(text)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sentence of length")
            collator = self._model.create_collator()
            batch = self._model.collate_batch(prepared["input_x"], prepared["entity_types"], collator)
        words = int(batch["words_mask"].max())
        ends = prepared["end_token_map"][0]
        return len(text) if words >= len(ends) else ends[max(words - 1, 0)]


def _kinds(spec: TaggerSpec) -> list[str]:
    kinds = [kind for kind in map(str.strip, spec.options.get("labels", "").split(",")) if kind]
    if not kinds:
        raise InputError(f'"{spec}" asks GLiNER for nothing: add ?labels=person,location.')
    return list(dict.fromkeys(kinds))


def _threshold(spec: TaggerSpec) -> float:
    text = spec.options.get("threshold", str(HALF))
    try:
        threshold = float(text)
    except ValueError:
        threshold = -1
    if not 0 < threshold < 1:
        raise InputError(f'"{spec}": threshold is a number between 0 and 1, and no {text}.')
    return threshold


def _refuse_code(path: Path, settings: Any) -> None:
    """Raise ModelError where transformers would run code of the directory, or a kernel of the hub's."""
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            if (key == "auto_map" and value) or ("attn_implementation" in key and "/" in str(value)):
                raise ModelError(f"{path} names code to be run ({key}), which is not trusted here.")
            _refuse_code(path, value)
    elif isinstance(settings, list):
        for value in settings:
            _refuse_code(path, value)


def _check_settings(spec: TaggerSpec, settings: Mapping[str, Any]) -> None:
    for key, what in OTHER_TASKS.items():
        if settings.get(key) is not None:
            raise ModelError(f"{spec} {what} ({key}), and does not tag words with kinds that are asked for.")
    for encoder, of_it in ENCODERS.items():
        if settings.get(encoder) is not None and not isinstance(settings.get(of_it), Mapping):
            raise ModelError(
                f"{spec} lacks the settings of its encoder ({of_it}): load it in GLiNER and write it by "
                "save_pretrained, which adds them."
            )
    if settings.get("words_splitter_type") in DOWNLOADING_SPLITTERS:
        raise ModelError(f"{spec} splits words by {settings['words_splitter_type']}, which would download a model.")


def _load_model(spec: TaggerSpec, folder: Path) -> BaseEncoderGLiNER:
    """Strictly: weights that are missing would be random."""
    from gliner import GLiNER

    try:
        return GLiNER.from_pretrained(str(folder), local_files_only=True, strict=True)
    except Exception as error:
        raise ModelError(f"{spec} cannot be loaded: {first_sentence(first_line(error))}.") from error
