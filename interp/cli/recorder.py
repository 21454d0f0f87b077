"""Records for the gate: read from a folder, or made of a model and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from interp.cli.console import resuming, say
from interp.cli.load_model import check_taggers, load_predictor
from interp.cli.options import ComputingOptions
from interp.cli.progress import phase
from interp.errors import InputError
from interp.project.paths import checked_path
from interp.versions import versions

if TYPE_CHECKING:
    from interp.explain import Model
    from interp.gate import Side
    from interp.records import Records, RecordSettings
    from interp.taggers import Predictor
    from interp.texts import Sentence

__all__ = ["DEFAULT_FOLDER", "LoadedSide", "Recorder"]

DEFAULT_FOLDER = Path(".interp", "records")
"""Where records are kept, from the project's root."""


@dataclass(frozen=True, kw_only=True)
class LoadedSide:
    """The baseline or the candidate (`name`), loaded and perhaps not yet recorded."""

    name: str
    records: Records | None = None
    model: Model | None = None
    """None of a tagger that cannot be explained, and where there are records."""
    predictor: Predictor | None = None


@dataclass(frozen=True, kw_only=True)
class Recorder:
    """Records models on the same cases.

    A model's records are kept under what they are of, so that the same are never made twice, a killed run goes on where
    it was, and two at once do not collide.
    """

    cases: Sequence[Sentence] | None
    """None where there are none: then all records must be there."""
    sources: Sequence[str]
    """Where the cases came from."""
    settings: RecordSettings
    computing: ComputingOptions
    folder: Path
    """What the records are kept in, a folder each."""

    def check_side(self, spec: str, model_behind: str | None) -> None:
        """Raise an error for what can be neither records nor a model, or whose records are damaged."""
        from interp.records import load_records

        if _holds_records(spec):
            load_records(Path(spec))
            check_taggers([model_behind] if model_behind else [], self.computing.device)
        else:
            check_taggers([spec], self.computing.device)

    def load_side(self, name: str, spec: str, *, model_behind: str | None, probed: bool) -> LoadedSide:
        """A side of the gate, from a model or from a folder of records and the model behind them.

        `name`: baseline or candidate. Without `probed` no model is loaded that only the probe would need.
        """
        from interp.taggers import ModelPredictor, is_tagger

        if _holds_records(spec):
            return self._read_side(name, spec, model_behind if probed else None)
        if model_behind:
            raise InputError(f"{spec} is a model itself: drop --{name}-model.")
        if is_tagger(spec):
            return LoadedSide(name=name, predictor=self.load_predictor(spec))
        model = self.computing.load(spec)
        return LoadedSide(name=name, model=model, predictor=ModelPredictor(model))

    def is_recorded(self, side: LoadedSide) -> bool:
        """Whether there are records of it already, in whole or in part."""
        from interp.records import TAGS_ALONE

        if side.records is not None:
            return True
        assert side.predictor is not None
        settings = TAGS_ALONE if side.model is None else self.settings
        return self._folder_of(side.predictor.sha256, settings).exists()

    def record_side(self, side: LoadedSide, *, probed: bool) -> Side:
        """The side with its records, made where they are not there yet."""
        from interp.gate import Side

        predictor = side.predictor if probed else None
        if side.records is not None:
            return Side(side.records, predictor)
        if side.model is not None:
            return Side(self.record(side.name, side.model), predictor)
        assert side.predictor is not None
        return Side(self.record_tags(side.name, side.predictor), side.predictor)

    def record(self, name: str, model: Model) -> Records:
        """The model's records on the cases, made where they are not there yet; `name` is what a person reads."""
        from interp.records.make import make_records

        cases = self._checked_cases()
        budget = self.computing.budget()
        kept = f"What was recorded is kept in {self.folder}: the same command goes on from there."
        with resuming(lambda: kept), phase(f"recording the {name}", len(cases)) as progress:
            return make_records(
                model,
                cases,
                self.settings,
                self._folder_of(model.info.sha256, self.settings),
                sources=self.sources,
                resume=True,
                memory=budget,
                progress=progress,
            )

    def load_predictor(self, spec: str) -> Predictor:
        """Any tagger, which is asked about the cases."""
        return load_predictor(spec, self.computing.device, [sentence.words for sentence in self._checked_cases()])

    def record_tags(self, name: str, predictor: Predictor) -> Records:
        """The same of any tagger: its tags alone. Those of one without a fingerprint are not used again."""
        from interp.records import TAGS_ALONE
        from interp.records.make import record_tags

        cases = self._checked_cases()
        folder = self._folder_of(predictor.sha256 or uuid4().hex, TAGS_ALONE)
        with phase(f"tagging by the {name}", len(cases)) as progress:
            return record_tags(predictor, cases, folder, sources=self.sources, resume=True, progress=progress)

    def _checked_cases(self) -> Sequence[Sentence]:
        if self.cases is None:
            raise InputError("Name the cases to record the models on: --cases.")
        return self.cases

    def _read_side(self, name: str, folder: str, model_behind: str | None) -> LoadedSide:
        """Records from a folder; the model behind them, if there is to be one, must be the one recorded."""
        from interp.records import load_records
        from interp.taggers import ModelPredictor, is_tagger

        records = load_records(Path(folder))
        if model_behind and is_tagger(model_behind):
            predictor = self.load_predictor(model_behind)
            if predictor.sha256 and predictor.sha256 != records.about.model.sha256:
                raise InputError(f"The records {folder} are of another tagger than {model_behind}.")
            return LoadedSide(name=name, records=records, predictor=predictor)
        if records.about.wanted.references and not records.about.model.former_sha256:
            say(
                f"{folder} was recorded by an earlier release, which knew models without their configuration: record "
                "anew, as another model may stand behind it."
            )
        if not model_behind:
            return LoadedSide(name=name, records=records)
        model = self.computing.load(model_behind)
        if model.info.former_sha256 == records.about.model.sha256:
            raise InputError(
                f"The records {folder} are of {model_behind} as an earlier release knew it, without its configuration: "
                "record anew with interp record."
            )
        if model.info.sha256 != records.about.model.sha256:
            raise InputError(f"The records {folder} are of another model than {model_behind}.")
        return LoadedSide(name=name, records=records, predictor=ModelPredictor(model))

    def _folder_of(self, sha256: str, settings: RecordSettings) -> Path:
        """The same for the same model, cases, settings, form of records and versions."""
        from interp.records.record import SCHEMA
        from interp.texts import data_fingerprint

        identity = f"{SCHEMA} {sha256} {data_fingerprint(self._checked_cases())} {settings} {versions()}"
        return self.folder / hashlib.sha256(identity.encode()).hexdigest()[:16]


def _holds_records(spec: str) -> bool:
    path = checked_path(spec)
    return path.is_dir() and any(path.glob("part-*.parquet"))
