"""The checks of one case judged in all its trials, and the looser lines for those that fail too often."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from interp.cases.case import Case, GoldenRule
from interp.cases.checks import Answer, Check, Swap, Tag
from interp.errors import FormatError, InterpError
from interp.golden import Golden, Policy, Promise, compare_goldens, golden_of, loads
from interp.golden.folder import golden_file
from interp.project.settings import Settings
from interp.project.toml_text import toml_table
from interp.question import ReferenceKind
from interp.stability.result import PassRate, Trial, too_many

__all__ = ["ProjectGoldens", "StoredGolden", "TrialAnswers", "check_rates", "speaks_of", "stored_golden"]

TrialAnswers = Mapping[Trial, Answer | str]
"""What each trial gave a case: its answer, or the sentence that says why there is none."""


@dataclass(frozen=True)
class ProjectGoldens:
    """Where the project at `root` keeps its goldens, and how it holds them; files are named from `root`."""

    root: Path
    settings: Settings

    def get(self, file: str, case: str) -> Golden | None:
        """None where there is none yet. Raises InputError or FormatError."""
        path = golden_file(self.root / self.settings.golden, self.root, self.root / file, case)
        try:
            return loads(path.read_text(encoding="utf-8"), str(path.relative_to(self.root)))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise FormatError(f"{path.relative_to(self.root)} cannot be read: {error}.") from error

    def policy(self, rule: GoldenRule, device: str) -> Policy:
        return Policy(rule.tolerance or self.settings.golden_tolerance(device), rule.top, rule.strict)


@dataclass(frozen=True)
class StoredGolden:
    """The golden of a case: the file's, or why there is none to hold anything against."""

    golden: Golden | None
    error: str = ""


def stored_golden(goldens: ProjectGoldens | None, file: str, case: Case) -> StoredGolden | None:
    """None where the case has no golden to judge."""
    if goldens is None or case.golden is None:
        return None
    try:
        return StoredGolden(goldens.get(file, case.id))
    except InterpError as error:
        return StoredGolden(None, str(error))


def speaks_of(golden: Golden | None, kind: ReferenceKind) -> bool:
    return golden is not None and golden.question.get("reference") == kind


@dataclass
class _Tally:
    """What came of one check while its trials are gone through."""

    answers: dict[Trial, Answer] = field(default_factory=dict)
    failures: list[tuple[Trial, str]] = field(default_factory=list)
    errors: list[tuple[Trial, str]] = field(default_factory=list)

    @property
    def too_sharp(self) -> bool:
        return too_many(len(self.failures), len(self.answers))

    def rate(self, file: str, case: Case, check: str, *, looser: str | None = None, note: str = "") -> PassRate:
        reason = case.xfail.get(check)
        note = note if reason is None else f"is expected to fail: {reason}"
        return PassRate(
            file=file,
            case=case.id,
            check=check,
            judged=tuple(self.answers),
            failures=tuple(self.failures),
            errors=tuple(self.errors),
            looser=looser,
            xfail=reason is not None,
            note=note,
        )


def check_rates(
    file: str, case: Case, *, answers: TrialAnswers, stored: StoredGolden | None, goldens: ProjectGoldens | None
) -> list[PassRate]:
    """The rate of every check of a case, its golden last."""
    tallies = {check: _judge_check(check, _relevant(check, case, answers)) for check in case.checks}
    looser = _looser_lines(tallies)
    rates = [tally.rate(file, case, check.name, looser=looser.get(check)) for check, tally in tallies.items()]
    if stored is not None and goldens is not None:
        rates.append(_golden_rate(file, case, answers=answers, stored=stored, goldens=goldens))
    return rates


def _relevant(check: Check, case: Case, answers: TrialAnswers) -> TrialAnswers:
    """The trials of a check: those under one reference, the case's own if possible, where references do not matter."""
    tags_only = isinstance(check, Swap) and all(swap.keep == ("tag",) for swap in check.swaps)
    if not (isinstance(check, Tag) or tags_only):
        return answers
    tried = list(dict.fromkeys(trial.reference for trial in answers))
    own = case.question.reference
    chosen = own if own in tried else tried[0]
    return {trial: answer for trial, answer in answers.items() if trial.reference == chosen}


def _judge_check(check: Check, answers: TrialAnswers) -> _Tally:
    tally = _Tally()
    for trial, answer in answers.items():
        if isinstance(answer, str):
            tally.errors.append((trial, answer))
            continue
        try:
            verdict = check.judge(answer)
        except InterpError as error:
            tally.errors.append((trial, str(error)))
            continue
        tally.answers[trial] = answer
        if not verdict.passed:
            tally.failures.append((trial, verdict.sentence))
    return tally


def _looser_lines(tallies: Mapping[Check, _Tally]) -> dict[Check, str | None]:
    """By check that failed too often, the line that would hold in all its trials.

    Two lines of one key cannot stand in a case: words that are moved into `share` join those that it has, and of two
    integration tolerances the larger one holds for both.
    """
    lines: dict[Check, str | None] = {}
    for check, tally in tallies.items():
        if tally.too_sharp:
            lines[check] = check.toml_line(list(tally.answers.values()))
    parsed = {check: tomllib.loads(line) for check, line in lines.items() if line is not None}
    return lines | _joined_shares(lines, parsed, tallies) | _largest_tolerance(parsed)


def _joined_shares(
    lines: Mapping[Check, str | None], parsed: Mapping[Check, Mapping[str, Any]], tallies: Mapping[Check, _Tally]
) -> dict[Check, str | None]:
    """One `share` for all checks whose line is one, where another check's words are moved into it."""
    moved = [check for check, content in parsed.items() if "share" in content and check.name != "share"]
    if not moved:
        return {}
    own: dict[str, str] = {}  # the words of the case's own `share`
    for check, tally in tallies.items():
        if check.name == "share" and tally.answers:
            line = check.toml_line(list(tally.answers.values()))
            own = {} if line is None else tomllib.loads(line)["share"]
    whole: dict[str, str] = {}
    for check in moved:
        whole |= parsed[check]["share"]
    whole |= own
    joined: dict[Check, str | None] = {}
    for check in lines:
        if check in moved and parsed[check]["share"].keys() <= own.keys():
            joined[check] = None  # `share` speaks of the word already
        elif check in moved or check.name == "share":
            joined[check] = f"share = {toml_table(whole)}"
    return joined


def _largest_tolerance(parsed: Mapping[Check, Mapping[str, Any]]) -> dict[Check, str | None]:
    """The largest integration tolerance for all checks that propose some; None where none below 1 holds."""
    key = "integration_tolerance"
    proposed = {check: float(content[key]) for check, content in parsed.items() if key in content}
    largest = max(proposed.values(), default=0.0)
    return dict.fromkeys(proposed, f"{key} = {largest:.0e}" if largest < 1 else None)


def _golden_rate(
    file: str, case: Case, *, answers: TrialAnswers, stored: StoredGolden, goldens: ProjectGoldens
) -> PassRate:
    """A golden is judged under its own reference, which its question tells."""
    tally, rule, old = _Tally(), case.golden, stored.golden
    assert rule is not None
    if stored.error:
        tally.errors += [(trial, stored.error) for trial in answers]
        return tally.rate(file, case, "golden")
    if old is None:
        note = "has no file yet: accept one with pytest --snapshot-update."
        return tally.rate(file, case, "golden", note=note)
    compared: list[tuple[Golden, Policy]] = []
    for trial, answer in answers.items():
        if not speaks_of(old, trial.reference):
            continue
        if isinstance(answer, str):
            tally.errors.append((trial, answer))
            continue
        policy = goldens.policy(rule, answer.explanation.run.device)
        try:
            new = golden_of(answer.explanation, policy.tolerance)
        except InterpError as error:
            tally.errors.append((trial, str(error)))
            continue
        comparison = compare_goldens(old, new, policy)
        if comparison.rule is Promise.QUESTION:
            tally.errors.append((trial, f"{Promise.QUESTION.value} {' '.join(comparison.failures)}"))
            continue
        compared.append((new, policy))
        tally.answers[trial] = answer
        if not comparison.passed:
            tally.failures.append((trial, " ".join(comparison.failures)))
    note = ""
    if not (tally.answers or tally.errors):
        note = f"was accepted under {old.question.get('reference')}, not tried here."
    looser = _looser_golden(old, compared) if tally.too_sharp else None
    return tally.rate(file, case, "golden", looser=looser, note=note)


def _looser_golden(old: Golden, compared: Sequence[tuple[Golden, Policy]]) -> str:
    """What of the golden holds in every trial: fewer leading words, not the numbers; or else nothing."""

    def holds(top: int) -> bool:
        policies = (replace(policy, top=top, strict=False) for _, policy in compared)
        return all(
            compare_goldens(old, new, policy).passed for (new, _), policy in zip(compared, policies, strict=True)
        )

    first = compared[0][1]
    for top in range(first.top, 0, -1):
        if holds(top):
            lines = ["golden = true"] if first.strict else []
            if top < first.top:
                lines.append(f"golden_top = {top}")
            return "\n".join(lines)
    return "golden = false"
