"""Options that several commands share, each group as one object with what it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from interp.cli.flags import SEED, count_from, count_or_all, flag
from interp.cli.load_model import load_model
from interp.errors import InputError
from interp.project.defaults import EXPLAINED, MOST_CUES, PROBE_SITES, RECORDING_TOLERANCE
from interp.question import ConstantReference

if TYPE_CHECKING:
    from interp.explain import Model
    from interp.gate import Floors
    from interp.probe import ProbeSettings
    from interp.records import RecordSettings
    from interp.texts import Sentence

__all__ = [
    "ComputingOptions",
    "ProbingOptions",
    "RecordingOptions",
    "SamplingOptions",
    "cases_flag",
    "clean_texts_flag",
    "device_flag",
    "kinds_flag",
    "memory_flag",
    "training_flag",
]


def cases_flag(required: bool) -> Any:
    """--cases: the sentences that models are recorded on."""
    return flag(
        "--cases",
        multiple=True,
        required=required,
        metavar="CASES",
        help="Case files or a folder of them, conll:FILE, jsonl:FILE, or hf:DIR (a data set's). Options stand behind a "
        "question mark: conll:FILE?word=0&tag=-1. Give it several times.",
    )


def clean_texts_flag() -> Any:
    """--texts: where cues are put in, if not into the cases."""
    return flag(
        "--texts",
        multiple=True,
        metavar="TEXTS",
        help="Clean sentences to probe in, as --cases, or a .txt file with one a line.  [default: the cases]",
    )


def training_flag() -> Any:
    """--training: the old training data and the new."""
    return flag(
        "--training",
        nargs=2,
        metavar="OLD NEW",
        help="What both were trained on: names the rows that bring a cue in.",
    )


def kinds_flag() -> Any:
    """--map: kinds of tags that the models call otherwise."""
    return flag(
        "--map",
        multiple=True,
        metavar="KIND=KIND,...",
        help="Kinds that the models call otherwise, and those that do not count: PERSON=PER,GPE=LOC,*=O.",
    )


def device_flag() -> Any:
    """--device, where a model runs."""
    return flag("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")


def memory_flag() -> Any:
    """--memory, that a model may work in."""
    return flag("--memory", metavar="SIZE", help="To work in, such as 2GiB.")


@dataclass(frozen=True, kw_only=True)
class ProbingOptions:
    """How much is probed."""

    sites: int = flag(
        "--sites",
        type=count_from(4),
        default=PROBE_SITES,
        show_default=True,
        help="Sentences that a cue is put into.",
    )
    most_cues: int = flag(
        "--cues", type=count_from(1), default=MOST_CUES, show_default=True, help="That are tried, at most."
    )

    def settings(self, seed: int) -> ProbeSettings:
        from interp.probe import ProbeSettings

        return ProbeSettings(measured=self.sites, seed=seed)

    def check_floors(self, floors: Floors | None, file: str | Path) -> None:
        """Raise InputError where floors were made with other sites, so that effects cannot be held against them."""
        if floors is not None and floors.sites != self.sites:
            raise InputError(
                f"{file} was made with {floors.sites} sites: use --sites {floors.sites}, or calibrate anew."
            )


@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """How many of the cases are taken, and of these how many explained."""

    sample: int | None = flag("--sample", type=count_from(1), metavar="N", help="Only so many, at random.")
    explain: int | None = flag(
        "--explain",
        type=count_or_all,
        default=EXPLAINED,
        show_default=True,
        metavar="N|all",
        help="Explain so many of them, at random, the same of every model; all are tagged, as F1 needs more cases than "
        "evidence.",
    )
    seed: int = flag("--seed", type=SEED, default=0, show_default=True, help="Of all that is drawn.")

    def draw(self, sentences: Sequence[Sentence]) -> list[Sentence]:
        """The sentences that are taken, in their order; those that are not to be explained have no targets."""
        from interp.texts import sample_sentences

        return self.limit_explained(sample_sentences(sentences, self.sample, self.seed), self.explain)

    def limit_explained(self, sentences: Sequence[Sentence], count: int | None) -> list[Sentence]:
        """The same sentences, so many of which are to be explained."""
        from interp.texts import limit_explained

        return limit_explained(sentences, count, self.seed)


@dataclass(frozen=True, kw_only=True)
class RecordingOptions:
    """What is recorded of a model."""

    references: Sequence[ConstantReference] = flag(
        "--reference",
        type=click.Choice(get_args(ConstantReference)),
        multiple=True,
        default=["pad", "mask"],
        help="What attributions are measured from; a shift of evidence counts only if all agree.  "
        "[default: pad and mask]",
    )
    tolerance: float = flag(
        "--tolerance", type=float, default=RECORDING_TOLERANCE, show_default=True, help="Of the integration error."
    )
    words_only: bool = flag("--words-only", is_flag=True, help="Leave the layers out: faster, and smaller files.")

    def settings(self) -> RecordSettings:
        """Raises InputError for what cannot be recorded."""
        from interp.records import RecordSettings

        return RecordSettings(tuple(self.references), self.tolerance, not self.words_only)


@dataclass(frozen=True, kw_only=True)
class ComputingOptions:
    """What models run on."""

    device: str = device_flag()
    memory: str | None = memory_flag()

    def load(self, model: str) -> Model:
        return load_model(model, self.device)

    def budget(self) -> int | None:
        """Bytes to work in; None leaves it to the library. Raises InputError for what is no size."""
        from interp.engine.size import parse_size

        return parse_size(self.memory) if self.memory else None
