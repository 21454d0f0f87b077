"""Options that several commands share, and what they come to: where records are made and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from interp.cli.console import progress
from interp.errors import InputError
from interp.versions import versions

if TYPE_CHECKING:
    from interp.explain import Model
    from interp.gate import Side
    from interp.records import Records, RecordSettings
    from interp.texts import Sentence

__all__ = ["CASES", "Desk", "computing", "probing", "sampling"]

Command = TypeVar("Command", bound=Callable[..., object])

CASES = (
    "Case files or a folder of them, conll:FILE, jsonl:FILE, or hf:DIR (a data set's). Options stand behind a question "
    "mark: conll:FILE?word=0&tag=-1. Give it several times."
)


def sampling(command: Command) -> Command:
    """--sample, --explain and --seed."""
    command = click.option("--seed", type=int, default=0, show_default=True, help="Of all that is drawn.")(command)
    command = click.option(
        "--explain",
        type=click.IntRange(0),
        metavar="N",
        help="Explain only so many of them, at random; all are tagged, as F1 needs more cases than evidence.",
    )(command)
    return click.option("--sample", type=click.IntRange(1), metavar="N", help="Only so many, at random.")(command)


def computing(command: Command) -> Command:
    """What is recorded and on what, shared by the commands that record."""
    options = [
        click.option(
            "--reference",
            "references",
            type=click.Choice(["pad", "mask", "unk", "zero"]),
            multiple=True,
            default=["pad", "mask"],
            help="What attributions are measured from; a shift of evidence counts only if all agree.  "
            "[default: pad and mask]",
        ),
        click.option("--tolerance", type=float, default=1e-2, show_default=True, help="Of the integration error."),
        click.option("--words-only", is_flag=True, help="Leave the layers out: faster, and smaller files."),
        click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N."),
        click.option("--memory", metavar="SIZE", help="To work in, such as 2GiB."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def probing(command: Command) -> Command:
    """Where and how much is probed."""
    options = [
        click.option(
            "--texts",
            multiple=True,
            metavar="TEXTS",
            help="Clean sentences to probe in, as --cases, or a .txt file with one a line.  [default: the cases]",
        ),
        click.option(
            "--sites", type=click.IntRange(4), default=48, show_default=True, help="Sentences that a cue is put into."
        ),
        click.option(
            "--cues", "most", type=click.IntRange(1), default=300, show_default=True, help="That are tried, at most."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What records are made with, and where they are kept: named by what they are of, so that the same are never made
    twice, a killed run goes on where it was, and two at once do not collide.
    """

    sentences: Sequence[Sentence] | None
    sources: Sequence[str]
    wanted: RecordSettings
    device: str
    memory: str | None
    kept: Path

    def opponent(self, name: str, spec: str, behind: str | None, probed: bool) -> Side:
        """One side, from a model or from records and the model behind them."""
        from interp.explain import load
        from interp.gate import Side
        from interp.probe import TaggerPredictor
        from interp.records import load_records as read_records

        if Path(spec).is_dir() and any(Path(spec).glob("part-*.parquet")):
            records = read_records(Path(spec))
            if not (behind and probed):
                return Side(records)
            model = load(behind, self.device)
            if model.info.sha256 != records.about.model.sha256:
                raise InputError(f"The records {spec} are of another model than {behind}.")
            return Side(records, TaggerPredictor(model))
        if behind:
            raise InputError(f"{spec} is a model itself: drop --{name}-model.")
        model = load(spec, self.device)
        return Side(self.recorded(name, model), TaggerPredictor(model) if probed else None)

    def recorded(self, name: str, model: Model) -> Records:
        """The model's records on the cases, made where they are not there yet."""
        from interp.engine.budget import parse_size
        from interp.records import make_records
        from interp.texts import data_fingerprint

        if self.sentences is None:
            raise InputError("Name the cases to record the models on: --cases.")
        told = f"{model.info.sha256} {data_fingerprint(self.sentences)} {self.wanted} {versions()}"
        folder = self.kept / hashlib.sha256(told.encode()).hexdigest()[:16]
        budget = parse_size(self.memory) if self.memory else None
        with progress(len(self.sentences), f"recording the {name}") as bar:
            return make_records(
                model,
                self.sentences,
                self.wanted,
                folder,
                sources=self.sources,
                resume=True,
                memory=budget,
                progress=bar,
            )
