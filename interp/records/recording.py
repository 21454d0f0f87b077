"""What is to be recorded, and what of it is there already: parts, each of them done once, whoever does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from interp.engine.budget import return_memory
from interp.errors import FormatError, InputError
from interp.explanation import ModelInfo
from interp.progress import Progress, ignore_progress
from interp.project.files import make_folder
from interp.records.record import (
    SENTENCES_PER_PART,
    Record,
    RecordSettings,
    RecordsHeader,
    part_count,
    part_range,
    same_work,
)
from interp.records.store import DamagedPartError, Records, part_name, read_part, write_manifest, write_part
from interp.texts import Corpus, Sentence, UnreadSentence
from interp.versions import versions

__all__ = ["RecordPart", "Recording", "part_size_of"]

MOST_PARTS = 20_000
"""Of a corpus, before its parts grow: a folder of more files is slow to list."""
LARGEST_PART = 16_384
"""Sentences: minutes of work, and tens of megabytes in memory."""

RecordPart = Callable[[Sequence[Sentence | UnreadSentence], Progress], list[Record]]
"""Records of some sentences, in their order; told the share of them that is done."""


def part_size_of(sentences: int) -> int:
    """Sentences of a part of that many."""
    return max(SENTENCES_PER_PART, min(LARGEST_PART, sentences // MOST_PARTS))


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Records of a corpus that are made in a folder, part by part, in any order and by any number of processes."""

    header: RecordsHeader
    corpus: Corpus
    folder: Path

    @classmethod
    def of(
        cls,
        model: ModelInfo,
        corpus: Corpus,
        settings: RecordSettings,
        *,
        folder: Path,
        sources: Sequence[str],
        part_size: int = SENTENCES_PER_PART,
    ) -> Recording:
        header = RecordsHeader(
            model=model,
            data=corpus.fingerprint,
            sentences=len(corpus),
            sources=tuple(sources),
            wanted=settings,
            part_size=part_size,
            versions=versions(),
        )
        return cls(header=header, corpus=corpus, folder=folder)

    def begin(self, resume: bool) -> list[int]:
        """Make the folder and its manifest; the parts that are not there yet, or are damaged.

        Raises InputError where there are some and they are not to be resumed, FormatError where they are of other work.
        """
        make_folder(self.folder)
        files = {path.name: path for path in self.folder.glob("part-*.parquet")}
        if files and not resume:
            raise InputError(f"{self.folder} holds records already: go on with `resume`, or choose another folder.")
        names = {number: part_name(number, self.header) for number in range(part_count(self.header))}
        for name in names.values():
            files.pop(name, None)
        if files:
            raise FormatError(f"{min(files.values())} is of other records: choose another folder.")
        missing = [number for number, name in names.items() if not self._is_done(self.folder / name)]
        write_manifest(self.folder, self.header)
        return missing

    def _is_done(self, path: Path) -> bool:
        if not path.exists():
            return False
        try:
            header, _ = read_part(path)  # read whole: a damaged part is made anew now
        except DamagedPartError:
            return False
        if header.model.sha256 == self.header.model.former_sha256:
            raise FormatError(
                f"{path} was recorded under an earlier release's fingerprint, which left the configuration out: record "
                "anew in another folder."
            )
        if not same_work(header, self.header):
            raise FormatError(f"{path} is of another model, other data or settings: choose another folder.")
        return True

    def make_part(self, number: int, record_part: RecordPart, progress: Progress = ignore_progress) -> int:
        """Write one part, whole or not at all; how many sentences it holds. Raises OutputError."""
        numbers = part_range(self.header, number)
        records = record_part(self.corpus.read(numbers), progress)
        write_part(self.folder / part_name(number, self.header), self.header, records)
        return_memory()  # else the holes that one part leaves are added to those of the next
        return len(numbers)

    def make_parts(self, parts: Sequence[int], record_part: RecordPart, progress: Progress) -> Records:
        """Write parts one after the other; `progress` is told how many sentences are done, those of other parts too."""
        done = self.count_besides(parts)
        progress(done)
        for number in parts:
            count = len(part_range(self.header, number))

            def report_progress(share: float, before: int = done, count: int = count) -> None:
                progress(before + count * share)

            done += self.make_part(number, record_part, report_progress)
            progress(done)
        return self.finished

    def count_besides(self, parts: Sequence[int]) -> int:
        """How many sentences the other parts hold."""
        return self.header.sentences - sum(len(part_range(self.header, number)) for number in parts)

    @property
    def finished(self) -> Records:
        """The records, once all parts are there."""
        return Records(self.folder, self.header)
