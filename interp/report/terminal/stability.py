"""Pass rates of checks in a terminal: nothing wider than it, but for lines to paste, which are never cut."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from interp.errors import counted
from interp.project.toml_text import toml_table, toml_value
from interp.report.terminal.marks import ASCII, Canvas
from interp.report.terminal.tables import section_title
from interp.stability import ALLOWED, CONFIDENCE, ENOUGH, PassRate, StabilityResult, Trial

__all__ = ["show_stability"]

_NAMED = 3
"""Checkpoints that are named in a row; more are counted."""

_INDENT = 4
_NARROW = 60
_ALWAYS = ("complete", "converged")
"""Checks that every case has, so that none can be left out."""


def show_stability(result: StabilityResult, console: Console) -> None:
    """Print the rate of every check, what is too sharp with the line that would hold, and what could not be judged.

    Without a UTF-8 console all of it is ASCII; without colour nothing is lost.
    """
    drawing = _Drawing(result, Canvas.of(console))
    for block in drawing.blocks():
        # A line to paste would be broken by a fold; the terminal's own wrapping leaves it whole.
        console.print(block, soft_wrap=isinstance(block, _Paste))


class _Paste(Text):
    """Lines to paste."""


class _Drawing:
    """A result on a canvas."""

    def __init__(self, result: StabilityResult, canvas: Canvas) -> None:
        self.result, self.canvas = result, canvas
        self.labels = _short_names(result.models)

    def blocks(self) -> Iterator[RenderableType]:
        files = dict.fromkeys(rate.file for rate in self.result.rates)
        for number, file in enumerate(files):
            if number:
                yield Text()
            yield Text(self.safe(file), "bold underline", overflow="fold")
            yield from self._file_blocks([rate for rate in self.result.rates if rate.file == file])
        if self.result.too_sharp:
            yield section_title("Too sharp", f"fails in more than {ALLOWED:.0%} of its trials")
            for rate in self.result.too_sharp:
                yield from self._sharp_blocks(rate)
        if self.result.errors:
            yield section_title("Not computed", "counted neither as passed nor as failed")
            yield from self._error_blocks()
        yield Text()
        yield from (Text(self.safe(line), overflow="fold") for line in self._closing())

    def safe(self, text: str) -> str:
        if self.canvas.glyphs is ASCII:
            text = text.replace("Σ", self.canvas.glyphs.sigma).replace("−", "-")
        return self.canvas.safe(text)

    def _file_blocks(self, rates: Sequence[PassRate]) -> Iterator[RenderableType]:
        """Case by case a row per check, in columns that are the same for all of them.

        What failed stands in the last column; in a narrow terminal, under the case.
        """
        wide = self.canvas.width >= _NARROW
        passed = max(len("passed"), *(len(_passed_of(rate)) for rate in rates))
        widths = {"  check": 13, "passed": passed, "rate": 6, "interval": 8}
        heads = [*widths, "failed"] if wide else [*widths]
        cases = list(dict.fromkeys(rate.case for rate in rates))
        for case in cases:
            own = [rate for rate in rates if rate.case == case]
            table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim", show_header=False)
            for head, width in widths.items():
                table.add_column(head, justify="left" if head == "  check" else "right", width=width, no_wrap=True)
            if wide:
                table.add_column("failed", overflow="fold")
            if case == cases[0]:
                table.add_row(*(Text(head, "dim") for head in heads))
            for rate in own:
                remarks = [self._remark(rate)] if wide else []
                table.add_row(*self._rate_cells(rate), *remarks)
            yield Text(self.safe(case), "bold", overflow="fold")
            yield table
            if not wide:
                yield from self._remark_lines(own)

    def _remark_lines(self, rates: Sequence[PassRate]) -> Iterator[RenderableType]:
        for rate in rates:
            remark = self._remark(rate)
            if remark:
                yield _indented(Text(f"{rate.check}: ") + remark)

    def _rate_cells(self, rate: PassRate) -> Iterator[Text]:
        style = "bold" if rate.too_sharp else ""
        yield Text(f"  {self.canvas.fit(rate.check, 11)}", style)
        if rate.trials:
            yield Text(_passed_of(rate), style)
            yield Text(f"{rate.passed / rate.trials:.1%}", style)
            low, high = rate.interval
            yield Text(f"{math.floor(100 * low)}{self.canvas.glyphs.dash}{math.ceil(100 * high)}%", "dim")
        else:
            yield from (Text(self.canvas.glyphs.dash, "dim") for _ in range(3))

    def _remark(self, rate: PassRate) -> Text:
        remarks = []
        if rate.failures:
            remarks.append(f"{'too sharp: ' if rate.too_sharp else ''}{self._where_it_failed(rate)}")
        if rate.errors:
            remarks.append(f"{len(rate.errors)} not computed")
        if rate.note:
            remarks.append(rate.note.rstrip("."))
        return Text(self.safe("; ".join(remarks)), "bold" if rate.too_sharp else "", overflow="fold")

    def _where_it_failed(self, rate: PassRate) -> str:
        """The checkpoints under which it failed, those of one list together: `all (mask); ft-3 (pad)`."""
        kinds = _kinds(rate.judged)
        groups: dict[str, list[str]] = {}
        for kind in kinds:
            failed = [trial.model for trial, _ in rate.failures if trial.reference == kind]
            judged = [trial for trial in rate.judged if trial.reference == kind]
            if failed:
                whole = len(failed) == len(judged) > 1
                groups.setdefault("all" if whole else self._few_labels(failed), []).append(kind)
        if len(kinds) == 1 or groups == {"all": kinds}:
            return next(iter(groups))
        return "; ".join(f"{who} ({', '.join(kinds)})" for who, kinds in groups.items())

    def _few_labels(self, models: Sequence[str]) -> str:
        return _first_few([self.canvas.fit(self.labels[model], 24) for model in models])

    def _sharp_blocks(self, rate: PassRate) -> Iterator[RenderableType]:
        """What fails, an example, and what to write."""
        count = f"failed in {len(rate.failures)} of {rate.trials} trials"
        doubt = ", too few to rule out chance" if rate.doubtful else ""
        yield Text()
        yield Text.assemble((self.safe(f"{rate.case}::{rate.check}"), "bold"), self.safe(f"  {count}{doubt}"))
        trial, sentence = rate.failures[0]
        where = self.labels[trial.model]
        if len(_kinds(rate.judged)) > 1:
            where = f"{where} under {trial.reference}"
        yield _indented(self.safe(f"{where}: {sentence}"))
        if self._follows_tag(rate):
            yield _indented("It failed only where the tag failed too: mend that one first.")
        siblings = self._rates_of_case(rate)
        alike = [sibling.check for sibling in siblings if sibling.too_sharp and sibling.looser == rate.looser]
        if rate.looser is not None and alike[0] != rate.check:
            yield _indented(f"The line above, for {alike[0]}, is for this check too.")
            return
        yield _indented(self.safe(self._advice(rate, alike)))
        if rate.looser is not None:
            yield self._paste(rate.looser)

    def _paste(self, lines: str) -> _Paste:
        room = self.canvas.width - _INDENT
        laid_out = [part for line in lines.splitlines() for part in _lay_out(line, room)]
        return _Paste("\n".join(" " * _INDENT + self.canvas.safe(line) for line in laid_out))

    def _rates_of_case(self, rate: PassRate) -> list[PassRate]:
        """Of all checks of the same case."""
        place = rate.file, rate.case
        return [sibling for sibling in self.result.rates if (sibling.file, sibling.case) == place]

    def _follows_tag(self, rate: PassRate) -> bool:
        """Whether it failed under no model but those under which the case's tag failed too."""
        if rate.check in ("tag", *_ALWAYS):
            return False
        tags = [sibling for sibling in self._rates_of_case(rate) if sibling.check == "tag"]
        tag_failed = {trial.model for tag in tags for trial, _ in tag.failures}
        return {trial.model for trial, _ in rate.failures} <= tag_failed

    def _advice(self, rate: PassRate, alike: Sequence[str]) -> str:
        """What to do with a check; `alike` are the checks that its line replaces."""
        checks = {sibling.check for sibling in self._rates_of_case(rate)}
        if rate.looser is not None:
            if rate.check in (*_ALWAYS, "golden"):
                return "To hold in every trial, set:"
            keys = dict.fromkeys([*alike, *tomllib.loads(rate.looser)])
            gone = [key for key in keys if key in checks]
            changes = " The other checks then explain that tag." if rate.check == "tag" else ""
            return f"To hold in every trial, write in place of {' and '.join(gone)}:{changes}"
        if rate.check in _ALWAYS:
            return "No tolerance below 1 would hold: look at the case with interp explain."
        if rate.check == "tag":
            needs = " (and swap, which needs it)" if "swap" in checks else ""
            return (
                "The checkpoints do not agree on a tag, so no line holds for all: take another sentence, or leave tag "
                f"out{needs}; then what each checkpoint says is explained."
            )
        return f"No line of its kind holds in every trial: leave {rate.check} out."

    def _error_blocks(self) -> Iterator[RenderableType]:
        """Each sentence once, with where it came from."""
        sources: dict[str, list[tuple[PassRate, Trial]]] = {}
        for rate in self.result.rates:
            for trial, sentence in rate.errors:
                sources.setdefault(sentence, []).append((rate, trial))
        for sentence, places in sources.items():
            rates, trials = [rate for rate, _ in places], [trial for _, trial in places]
            yield Text(self.safe(sentence), overflow="fold")
            yield _indented(self.safe(f"{_first_few(self._trial_labels(trials))}: {_check_names(rates)}"))

    def _trial_labels(self, trials: Sequence[Trial]) -> list[str]:
        """Models, and under which references where that is not all."""
        every_kind = len(_kinds(self.result.trials))
        by_model: dict[str, list[Trial]] = {}
        for trial in dict.fromkeys(trials):
            by_model.setdefault(trial.model, []).append(trial)
        labels = []
        for model, own in by_model.items():
            under = "" if len(own) == every_kind else f" ({', '.join(_kinds(own))})"
            labels.append(f"{self.labels[model]}{under}")
        return labels

    def _closing(self) -> Iterator[str]:
        result = self.result
        sharp, rates = len(result.too_sharp), result.rates
        cases = len({(rate.file, rate.case) for rate in rates})
        kinds = _kinds(result.trials)
        sharpness = f"{sharp or 'none'} {'is' if sharp == 1 else 'are'} too sharp"
        verdict = "none judged" if result.failed else sharpness
        yield (
            f"{counted(len(rates), 'check')} of {counted(cases, 'case')}, {verdict}. "
            f"{counted(len(result.trials), 'trial')}: {counted(len(result.models), 'checkpoint')} "
            f"({self._few_labels(result.models)}), {counted(len(kinds), 'reference')} ({', '.join(kinds)})."
        )
        for first, second in result.twins:
            yield f"{self.labels[second]} has the weights of {self.labels[first]}, and says nothing new."
        trials = [rate.trials for rate in rates if rate.trials]
        if not trials:
            return
        yield from _cautions(min(trials), max(trials))
        if len(kinds) > 1:
            yield (
                "The intervals take all trials as independent. Those of one checkpoint under several references are "
                "not: more checkpoints tell more."
            )


def _cautions(least: int, most: int) -> Iterator[str]:
    """What so few trials cannot tell."""
    if least >= ENOUGH:
        return
    few = str(least) if least == most else f"{least} to {most}"
    hidden = 1 - ((1 - CONFIDENCE) / 2) ** (1 / least)
    yield (
        f"Checks had {few} trials, and fewer than {ENOUGH} cannot show a rate of {ALLOWED:.0%}: one failure in {least} "
        f"is {1 / least:.0%} already, and a check that never failed in {least} may yet fail in up to {hidden:.0%}."
    )


def _passed_of(rate: PassRate) -> str:
    return f"{rate.passed}/{rate.trials}" if rate.trials else ""


def _check_names(rates: Sequence[PassRate]) -> str:
    """Named where they are few, else counted."""
    names = list(dict.fromkeys(f"{rate.case}::{rate.check}" for rate in rates))
    if len(names) <= _NAMED:
        return ", ".join(names)
    cases = {(rate.file, rate.case) for rate in rates}
    return f"{counted(len(names), 'check')} of {counted(len(cases), 'case')}"


def _lay_out(line: str, width: int) -> list[str]:
    """A case-file line over several lines where it is too long: tables as dotted keys, lists an item a line."""
    if cell_len(line) <= width:
        return [line]
    ((key, value),) = tomllib.loads(line).items()
    if isinstance(value, dict):
        return [f"{key}.{toml_table({word: text})[2:-2]}" for word, text in value.items()]
    if isinstance(value, list):
        return [f"{key} = [", *(f"    {toml_value(item)}," for item in value), "]"]
    return [line]


def _short_names(models: Sequence[str]) -> dict[str, str]:
    """Short names of models: as much of the end of a path as tells it from the others."""
    return {model: _short_name(model, [rival for rival in models if rival != model]) for model in models}


def _short_name(model: str, rivals: Sequence[str]) -> str:
    parts = PurePath(model).parts or (model,)
    for count in range(1, len(parts) + 1):
        tail = "/".join(parts[-count:])
        if all("/".join(PurePath(rival).parts[-count:]) != tail for rival in rivals):
            return tail
    return model


def _indented(text: str | Text) -> Padding:
    return Padding(Text(text, overflow="fold") if isinstance(text, str) else text, (0, 0, 0, 2), expand=False)


def _kinds(trials: Sequence[Trial]) -> list[str]:
    """The references of some trials."""
    return list(dict.fromkeys(trial.reference for trial in trials))


def _first_few(names: Sequence[str]) -> str:
    """The first names, and how many more; one more is named as well."""
    rest = len(names) - _NAMED
    return ", ".join(names) if rest <= 1 else f"{', '.join(names[:_NAMED])} and {rest} more"
