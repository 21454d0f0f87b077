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

from interp.project.toml_text import toml_string, toml_table
from interp.report.terminal.marks import ASCII, Canvas
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
    shown = _Shown(result, Canvas.of(console))
    for block in shown.blocks():
        # A line to paste would be broken by a fold; the terminal's own wrapping leaves it whole.
        console.print(block, soft_wrap=isinstance(block, _Paste))


class _Paste(Text):
    """Lines to paste."""


class _Shown:
    """A result on a canvas."""

    def __init__(self, result: StabilityResult, canvas: Canvas) -> None:
        self.result, self.canvas = result, canvas
        self.labels = _labels(result.models)

    def blocks(self) -> Iterator[RenderableType]:
        files = dict.fromkeys(rate.file for rate in self.result.rates)
        for number, file in enumerate(files):
            if number:
                yield Text()
            yield Text(self.safe(file), "bold underline", overflow="fold")
            yield from self._file([rate for rate in self.result.rates if rate.file == file])
        if sharp := self.result.too_sharp:
            yield _title("Too sharp", f"fails in more than {ALLOWED:.0%} of its trials")
            for rate in sharp:
                yield from self._sharp(rate)
        if self.result.errors:
            yield _title("Not computed", "counted neither as passed nor as failed")
            yield from self._errors()
        yield Text()
        yield from (Text(self.safe(line), overflow="fold") for line in self._closing())

    def safe(self, text: str) -> str:
        if self.canvas.glyphs is ASCII:
            text = text.replace("Σ", self.canvas.glyphs.sigma).replace("−", "-")
        return self.canvas.safe(text)

    def _file(self, rates: Sequence[PassRate]) -> Iterator[RenderableType]:
        """Case by case a row per check, in columns that are the same for all of them.

        What failed stands in the last column; in a narrow terminal, under the case.
        """
        wide = self.canvas.width >= _NARROW
        passed = max(len("passed"), *(len(_passed(rate)) for rate in rates))
        widths = {"  check": 13, "passed": passed, "rate": 6, "interval": 8}
        cases = list(dict.fromkeys(rate.case for rate in rates))
        for case in cases:
            shown = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim", show_header=False)
            for head, width in widths.items():
                shown.add_column(head, justify="left" if head == "  check" else "right", width=width, no_wrap=True)
            if wide:
                shown.add_column("failed", overflow="fold")
            if case == cases[0]:
                shown.add_row(*(Text(head, "dim") for head in (*widths, "failed")[: len(shown.columns)]))
            own = [rate for rate in rates if rate.case == case]
            for rate in own:
                shown.add_row(*[*self._row(rate), self._remark(rate)][: len(shown.columns)])
            yield Text(self.safe(case), "bold", overflow="fold")
            yield shown
            if not wide:
                noted = [(rate.check, remark) for rate in own if (remark := self._remark(rate))]
                yield from (_indented(Text(f"{check}: ") + remark) for check, remark in noted)

    def _row(self, rate: PassRate) -> Iterator[Text]:
        style = "bold" if rate.too_sharp else ""
        yield Text(f"  {self.canvas.fit(rate.check, 11)}", style)
        if rate.trials:
            yield Text(_passed(rate), style)
            yield Text(f"{rate.passed / rate.trials:.1%}", style)
            low, high = rate.interval
            yield Text(f"{math.floor(100 * low)}{self.canvas.glyphs.dash}{math.ceil(100 * high)}%", "dim")
        else:
            yield from (Text(self.canvas.glyphs.dash, "dim") for _ in range(3))

    def _remark(self, rate: PassRate) -> Text:
        told = []
        if rate.failures:
            told.append(f"{'too sharp: ' if rate.too_sharp else ''}{self._where(rate)}")
        if rate.errors:
            told.append(f"{len(rate.errors)} not computed")
        if rate.note:
            told.append(rate.note.rstrip("."))
        return Text(self.safe("; ".join(told)), "bold" if rate.too_sharp else "", overflow="fold")

    def _where(self, rate: PassRate) -> str:
        """The checkpoints under which it failed, those of one list together: `all (mask); ft-3 (pad)`."""
        kinds = _kinds(rate.judged)
        groups: dict[str, list[str]] = {}
        for kind in kinds:
            failed = [trial.model for trial, _ in rate.failures if trial.reference == kind]
            judged = [trial for trial in rate.judged if trial.reference == kind]
            if failed:
                whole = len(failed) == len(judged) > 1
                groups.setdefault("all" if whole else self._listed(failed), []).append(kind)
        if len(kinds) == 1 or groups == {"all": kinds}:
            return next(iter(groups))
        return "; ".join(f"{who} ({', '.join(kinds)})" for who, kinds in groups.items())

    def _listed(self, models: Sequence[str]) -> str:
        return _few([self.canvas.fit(self.labels[model], 24) for model in models])

    def _sharp(self, rate: PassRate) -> Iterator[RenderableType]:
        """What fails, an example, and what to write."""
        count = f"failed in {len(rate.failures)} of {rate.trials} trials"
        doubt = ", too few to rule out chance" if rate.doubtful else ""
        yield Text()
        yield Text.assemble((self.safe(f"{rate.case}::{rate.check}"), "bold"), self.safe(f"  {count}{doubt}"))
        trial, sentence = rate.failures[0]
        where = self._trial(trial) if len(_kinds(rate.judged)) > 1 else self.labels[trial.model]
        yield _indented(self.safe(f"{where}: {sentence}"))
        if self._follows_tag(rate):
            yield _indented("It failed only where the tag failed too: mend that one first.")
        alike = [each.check for each in self._case(rate) if each.too_sharp and each.looser == rate.looser]
        if rate.looser is not None and alike[0] != rate.check:
            yield _indented(f"The line above, for {alike[0]}, is for this check too.")
            return
        yield _indented(self.safe(self._advice(rate, alike)))
        if rate.looser is not None:
            lines = [line for one in rate.looser.splitlines() for line in _laid_out(one, self.canvas.width - _INDENT)]
            yield _Paste("\n".join(" " * _INDENT + self.canvas.safe(line) for line in lines))

    def _trial(self, trial: Trial) -> str:
        return f"{self.labels[trial.model]} under {trial.reference}"

    def _case(self, rate: PassRate) -> list[PassRate]:
        """The checks of the same case."""
        return [each for each in self.result.rates if (each.file, each.case) == (rate.file, rate.case)]

    def _follows_tag(self, rate: PassRate) -> bool:
        failed = {trial.model for each in self._case(rate) if each.check == "tag" for trial, _ in each.failures}
        return rate.check not in ("tag", *_ALWAYS) and {trial.model for trial, _ in rate.failures} <= failed

    def _advice(self, rate: PassRate, alike: Sequence[str]) -> str:
        """What to do with a check; `alike` are the checks that its line replaces."""
        others = {each.check for each in self._case(rate)}
        if rate.looser is not None:
            if rate.check in (*_ALWAYS, "golden"):
                return "To hold in every trial, set:"
            gone = [key for key in dict.fromkeys([*alike, *tomllib.loads(rate.looser)]) if key in others]
            changes = " The other checks then explain that tag." if rate.check == "tag" else ""
            return f"To hold in every trial, write in place of {' and '.join(gone)}:{changes}"
        if rate.check in _ALWAYS:
            return "No tolerance below 1 would hold: look at the case with interp explain."
        if rate.check == "tag":
            needs = " (and swap, which needs it)" if "swap" in others else ""
            return (
                "The checkpoints do not agree on a tag, so no line holds for all: take another sentence, or leave tag "
                f"out{needs}; then what each checkpoint says is explained."
            )
        return f"No line of its kind holds in every trial: leave {rate.check} out."

    def _errors(self) -> Iterator[RenderableType]:
        """Each sentence once, with where it came from."""
        found: dict[str, list[tuple[PassRate, Trial]]] = {}
        for rate in self.result.rates:
            for trial, sentence in rate.errors:
                found.setdefault(sentence, []).append((rate, trial))
        for sentence, some in found.items():
            missing: dict[str, list[Trial]] = {}
            for trial in dict.fromkeys(trial for _, trial in some):
                missing.setdefault(trial.model, []).append(trial)
            whole = len(_kinds(self.result.trials))
            trials = [
                self.labels[model] if len(own) == whole else f"{self.labels[model]} ({', '.join(_kinds(own))})"
                for model, own in missing.items()
            ]
            checks = list(dict.fromkeys(f"{rate.case}::{rate.check}" for rate, _ in some))
            cases = dict.fromkeys((rate.file, rate.case) for rate, _ in some)
            many = f"{_counted(len(checks), 'check')} of {_counted(len(cases), 'case')}"
            what = many if len(checks) > _NAMED else ", ".join(checks)
            yield Text(self.safe(sentence), overflow="fold")
            yield _indented(self.safe(f"{_few(trials)}: {what}"))

    def _closing(self) -> Iterator[str]:
        result = self.result
        sharp, rates = len(result.too_sharp), result.rates
        cases = len({(rate.file, rate.case) for rate in rates})
        kinds = _kinds(result.trials)
        verdict = f"{sharp or 'none'} {'is' if sharp == 1 else 'are'} too sharp" if not result.failed else "none judged"
        yield (
            f"{_counted(len(rates), 'check')} of {_counted(cases, 'case')}, {verdict}. "
            f"{_counted(len(result.trials), 'trial')}: {_counted(len(result.models), 'checkpoint')} "
            f"({self._listed(result.models)}), {_counted(len(kinds), 'reference')} ({', '.join(kinds)})."
        )
        for first, second in result.twins:
            yield f"{self.labels[second]} has the weights of {self.labels[first]}, and says nothing new."
        if (least := min((rate for rate in rates if rate.trials), key=lambda r: r.trials, default=None)) is None:
            return
        yield from _caution(least.trials, max(rate.trials for rate in rates))
        if len(kinds) > 1:
            yield (
                "The intervals take all trials as independent. Those of one checkpoint under several references are "
                "not: more checkpoints tell more."
            )


def _caution(least: int, most: int) -> Iterator[str]:
    """What so few trials cannot tell."""
    if least >= ENOUGH:
        return
    few = str(least) if least == most else f"{least} to {most}"
    hidden = 1 - ((1 - CONFIDENCE) / 2) ** (1 / least)
    yield (
        f"Checks had {few} trials, and fewer than {ENOUGH} cannot show a rate of {ALLOWED:.0%}: one failure in {least} "
        f"is {1 / least:.0%} already, and a check that never failed in {least} may yet fail in up to {hidden:.0%}."
    )


def _passed(rate: PassRate) -> str:
    return f"{rate.passed}/{rate.trials}" if rate.trials else ""


def _laid_out(line: str, width: int) -> list[str]:
    """A case-file line over several lines where it is too long: tables as dotted keys, lists an item a line."""
    if cell_len(line) <= width:
        return [line]
    ((key, value),) = tomllib.loads(line).items()
    if isinstance(value, dict):
        return [f"{key}.{toml_table({word: text})[2:-2]}" for word, text in value.items()]
    if isinstance(value, list):
        return [f"{key} = [", *(f"    {_written(item)}," for item in value), "]"]
    return [line]


def _written(value: object) -> str:
    """A value of TOML in one line: text, lists and tables, all that checks write."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_written(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return toml_string(str(value))


def _labels(models: Sequence[str]) -> dict[str, str]:
    """Short names of models: as much of the end of a path as tells it from the others."""
    found = {}
    for model in models:
        parts = PurePath(model).parts or (model,)
        tails = ["/".join(parts[-count:]) for count in range(1, len(parts) + 1)]
        others = [PurePath(other).parts for other in models if other != model]
        unique = (
            tail for n, tail in enumerate(tails, start=1) if not any("/".join(other[-n:]) == tail for other in others)
        )
        found[model] = next(unique, model)
    return found


def _title(name: str, note: str) -> Text:
    return Text.assemble("\n", (name, "bold underline"), (f"  {note}", "dim"))


def _indented(text: str | Text) -> Padding:
    return Padding(Text(text, overflow="fold") if isinstance(text, str) else text, (0, 0, 0, 2), expand=False)


def _kinds(trials: Sequence[Trial]) -> list[str]:
    """The references of some trials."""
    return list(dict.fromkeys(trial.reference for trial in trials))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _few(names: Sequence[str]) -> str:
    """The first names, and how many more; one more is named as well."""
    rest = len(names) - _NAMED
    return ", ".join(names) if rest <= 1 else f"{', '.join(names[:_NAMED])} and {rest} more"
