"""`presidio:analyzer.yaml?language=en`: an analyzer of Presidio's, built of its files as Presidio builds it.

Presidio scores a finding by the rule that made it, which is no probability: it decides between findings that overlap,
and no more. Nothing is downloaded. A recogniser that the files name may read a model of its own or ask a server: such
an analyzer has no fingerprint.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interp.errors import InputError, ModelError, first_line
from interp.project.files import read_text
from interp.project.paths import checked_path
from interp.taggers.adapters import require
from interp.taggers.char_spans import CharSpan, SpanPredictor
from interp.taggers.fingerprint import fingerprint_files
from interp.taggers.library_warnings import collect_warnings, first_sentence
from interp.taggers.predictor import Words
from interp.taggers.spacy import check_pipeline, find_pipeline_folder, pipeline_packages
from interp.taggers.spec import TaggerSpec

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine

__all__ = ["check", "load"]

FILES = {"nlp": "nlp_engine_conf_file", "recognizers": "recognizer_registry_conf_file"}
"""Options that name further files, by what Presidio calls them."""
LANGUAGE = "en"
NLP_CONFIGURATION = "nlp_configuration"
SPACY_ENGINES = frozenset({"spacy", "slim"})
ENGINES = SPACY_ENGINES | {"no_op"}
"""That download nothing once their pipeline is there."""
KNOWN_RECOGNIZERS = (
    "presidio_analyzer.pattern_recognizer",
    "presidio_analyzer.predefined_recognizers.country_specific.",
    "presidio_analyzer.predefined_recognizers.generic.",
    "presidio_analyzer.predefined_recognizers.nlp_engine_recognizers.",
)
"""That are decided by Presidio's code, its settings and its pipeline; others ask servers, or read models of a hub's."""


def check(spec: TaggerSpec) -> None:
    """Raise InputError or ModelError for files that cannot be read, or name a pipeline that is not there."""
    require("presidio_analyzer", "presidio")
    spec.check_options(("language", "threshold", *FILES))
    _threshold(spec)
    for path in _files(spec):
        contents = _read_yaml(path)
        engine = contents.get(NLP_CONFIGURATION, contents)
        if isinstance(engine, Mapping) and "nlp_engine_name" in engine:
            _check_engine(spec, engine)


def load(spec: TaggerSpec, sentences: Sequence[Words]) -> SpanPredictor:  # noqa: ARG001
    """The analyzer. Raises InputError or ModelError."""
    check(spec)
    with collect_warnings(str(spec)) as notices, _quiet():
        analyzer = _build(spec)
    language = spec.options.get("language", LANGUAGE)
    if language not in analyzer.supported_languages:
        raise InputError(f"{spec} knows {', '.join(analyzer.supported_languages)}, and no {language}: name a language.")
    return SpanPredictor(
        str(spec),
        _SpanFinder(analyzer, language, _threshold(spec)),
        kinds=sorted(analyzer.get_supported_entities(language)),
        sha256=_fingerprint(spec, analyzer, language),
        notices=notices,
    )


class _SpanFinder:
    def __init__(self, analyzer: AnalyzerEngine, language: str, threshold: float | None) -> None:
        self._analyzer, self._language, self._threshold = analyzer, language, threshold

    def __call__(self, texts: Sequence[str]) -> Iterator[list[CharSpan]]:
        with _quiet():
            for text in texts:
                findings = self._analyzer.analyze(text, self._language, score_threshold=self._threshold)
                yield [CharSpan(span.start, span.end, span.entity_type, span.score) for span in findings]


def _threshold(spec: TaggerSpec) -> float | None:
    """Of every recogniser; None leaves it to the files."""
    text = spec.options.get("threshold")
    try:
        threshold = None if text is None else float(text)
    except ValueError:
        threshold = -1
    if threshold is not None and not 0 <= threshold <= 1:
        raise InputError(f'"{spec}": threshold is a number from 0 to 1, and no {text}.')
    return threshold


def _files(spec: TaggerSpec) -> list[Path]:
    further = [spec.options[key] for key in FILES if key in spec.options]
    return [checked_path(name) for name in (spec.location, *further)]


def _read_yaml(path: Path) -> dict[str, Any]:
    """Read here first, as Presidio takes its defaults for a file that it cannot read."""
    import yaml

    try:
        contents = yaml.safe_load(read_text(path, str(path)))
    except yaml.YAMLError as error:
        raise InputError(f"{path} is no YAML: {first_line(error)}.") from error
    if not isinstance(contents, dict):
        raise InputError(f"{path} holds no settings of Presidio's.")
    return contents


def _check_engine(spec: TaggerSpec, engine: Mapping[str, Any]) -> None:
    """Raise InputError for an engine that would download what it lacks."""
    name = engine["nlp_engine_name"]
    if name not in ENGINES:
        raise InputError(f'{spec} has the NLP engine "{name}": {", ".join(sorted(ENGINES))} are read here.')
    for model in _pipelines(engine):
        check_pipeline(model, f"{model} of {spec}")


def _pipelines(engine: Mapping[str, Any]) -> list[str]:
    """Names of pipelines of spaCy's; what is no such name is left to Presidio to refuse."""
    models = engine.get("models") if engine["nlp_engine_name"] in SPACY_ENGINES else None
    entries = models if isinstance(models, list) else []
    names = [entry.get("model_name") for entry in entries if isinstance(entry, Mapping)]
    return [name for name in names if isinstance(name, str)]


def _build(spec: TaggerSpec) -> AnalyzerEngine:
    from presidio_analyzer import AnalyzerEngineProvider
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    files = {FILES[key]: checked_path(spec.options[key]) for key in FILES if key in spec.options}
    try:
        provider = AnalyzerEngineProvider(checked_path(spec.location), **files)
        if NLP_CONFIGURATION not in provider.configuration and "nlp" not in spec.options:
            _check_engine(spec, NlpEngineProvider().nlp_configuration)  # Presidio's default
        return provider.create_engine()
    except (InputError, ModelError):
        raise
    except Exception as error:
        raise ModelError(f"{spec} cannot be built: {first_sentence(first_line(error))}.") from error


def _fingerprint(spec: TaggerSpec, analyzer: AnalyzerEngine, language: str) -> str:
    """Of the files, the pipelines of spaCy's and the versions."""
    recognizers = analyzer.get_recognizers(language)
    if not all(type(recognizer).__module__.startswith(KNOWN_RECOGNIZERS) for recognizer in recognizers):
        return ""
    engine = analyzer.nlp_engine
    packages = {"presidio_analyzer", "phonenumbers", "tldextract"}
    for nlp in filter(None, (getattr(engine, "nlp", None) or {}).values()):  # an engine of rules alone has None
        packages |= pipeline_packages(nlp)
    pipelines = _pipelines({"nlp_engine_name": engine.engine_name, "models": getattr(engine, "models", None)})
    roots = [*_files(spec), *map(find_pipeline_folder, pipelines)]
    return fingerprint_files(roots, packages=packages, settings=str(sorted(spec.options.items())))


@contextmanager
def _quiet() -> Iterator[None]:
    """Presidio tells of every finding of a kind that it has no name for."""
    logger = logging.getLogger("presidio-analyzer")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
