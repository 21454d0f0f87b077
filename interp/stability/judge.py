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
class _Judged:
    """What came of one check while its trials are gone through."""

    answers: dict[Trial, Answer] = field(default_factory=dict)
    failures: list[tuple[Trial, str]] = field(default_factory=list)
    errors: list[tuple[Trial, str]] = field(default_factory=list)

    @property
    def too_sharp(self) -> bool:
        return too_many(len(self.failures), len(self.answers))

    def rate(self, file: str, case: Case, check: str, looser: str | None, note: str = "") -> PassRate:
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
    file: str, case: Case, given: TrialAnswers, held: StoredGolden | None, goldens: ProjectGoldens | None
) -> list[PassRate]:
    """The rate of every check of a case, its golden last."""
    judged = {check: _judge(check, _relevant(check, case, given)) for check in case.checks}
    looser = _looser(judged)
    rates = [done.rate(file, case, check.name, looser.get(check)) for check, done in judged.items()]
    if held is not None and goldens is not None:
        rates.append(_golden_rate(file, case, given=given, held=held, goldens=goldens))
    return rates


def _relevant(check: Check, case: Case, given: TrialAnswers) -> TrialAnswers:
    """The trials of a check: those under one reference, the case's own if possible, where references do not matter."""
    tags_only = isinstance(check, Swap) and all(one.keep == ("tag",) for one in check.swaps)
    if not (isinstance(check, Tag) or tags_only):
        return given
    kinds = list(dict.fromkeys(trial.reference for trial in given))
    one = case.question.reference if case.question.reference in kinds else kinds[0]
    return {trial: answer for trial, answer in given.items() if trial.reference == one}


def _judge(check: Check, given: TrialAnswers) -> _Judged:
    done = _Judged()
    for trial, answer in given.items():
        if isinstance(answer, str):
            done.errors.append((trial, answer))
            continue
        try:
            verdict = check.judge(answer)
        except InterpError as error:
            done.errors.append((trial, str(error)))
            continue
        done.answers[trial] = answer
        if not verdict.passed:
            done.failures.append((trial, verdict.sentence))
    return done


def _looser(judged: Mapping[Check, _Judged]) -> dict[Check, str | None]:
    """By check that failed too often, the line that would hold in all its trials.

    Two lines of one key cannot stand in a case: words that are moved into `share` join those that it has, and of two
    integration tolerances the larger one holds for both.
    """
    found: dict[Check, str | None] = {}
    for check, done in judged.items():
        if done.too_sharp:
            found[check] = check.toml_line(list(done.answers.values()))
    parsed = {check: tomllib.loads(line) for check, line in found.items() if line is not None}
    moved = [check for check, content in parsed.items() if "share" in content and check.name != "share"]
    if moved:
        own: dict[str, str] = {}
        for check, done in judged.items():
            if check.name == "share" and done.answers:
                own = tomllib.loads(check.toml_line(list(done.answers.values())) or "share = {}")["share"]
        whole = {word: bound for check in moved for word, bound in parsed[check]["share"].items()} | own
        for check in found:
            if check in moved and parsed[check]["share"].keys() <= own.keys():
                found[check] = None  # `share` speaks of the word already
            elif check in moved or check.name == "share":
                found[check] = f"share = {toml_table(whole)}"
    for check, tolerance in _tolerances(parsed).items():
        found[check] = tolerance
    return found


def _tolerances(parsed: Mapping[Check, Mapping[str, Any]]) -> dict[Check, str | None]:
    """The largest integration tolerance, as none below 1 holds for more."""
    key = "integration_tolerance"
    proposed = {check: float(content[key]) for check, content in parsed.items() if key in content}
    largest = max(proposed.values(), default=0.0)
    return dict.fromkeys(proposed, f"{key} = {largest:.0e}" if largest < 1 else None)


def _golden_rate(file: str, case: Case, given: TrialAnswers, held: StoredGolden, goldens: ProjectGoldens) -> PassRate:
    """A golden is judged under its own reference, which its question tells."""
    done, rule, old = _Judged(), case.golden, held.golden
    assert rule is not None
    if held.error:
        done.errors += [(trial, held.error) for trial in given]
        return done.rate(file, case, "golden", None)
    if old is None:
        return done.rate(
            file, case, check="golden", looser=None, note="has no file yet: accept one with pytest --snapshot-update."
        )
    new: dict[Trial, tuple[Golden, Policy]] = {}
    for trial, answer in given.items():
        if not speaks_of(old, trial.reference):
            continue
        if isinstance(answer, str):
            done.errors.append((trial, answer))
            continue
        policy = goldens.policy(rule, answer.explanation.run.device)
        try:
            new[trial] = golden_of(answer.explanation, policy.tolerance), policy
        except InterpError as error:
            done.errors.append((trial, str(error)))
            continue
        comparison = compare_goldens(old, new[trial][0], policy)
        if comparison.rule is Promise.QUESTION:
            done.errors.append((trial, f"{Promise.QUESTION.value} {' '.join(comparison.failures)}"))
            del new[trial]
            continue
        done.answers[trial] = answer
        if not comparison.passed:
            done.failures.append((trial, " ".join(comparison.failures)))
    note = "" if done.answers or done.errors else f"was accepted under {old.question.get('reference')}, not tried here."
    return done.rate(
        file,
        case,
        check="golden",
        looser=_looser_golden(old, list(new.values())) if done.too_sharp else None,
        note=note,
    )


def _looser_golden(old: Golden, new: Sequence[tuple[Golden, Policy]]) -> str:
    """What of the golden holds in every trial: fewer leading words, not the numbers; or else nothing."""
    first = new[0][1]
    for top in range(first.top, 0, -1):
        if all(compare_goldens(old, each, replace(policy, top=top, strict=False)).passed for each, policy in new):
            lines = ["golden = true"] if first.strict else []
            return "\n".join([*lines, f"golden_top = {top}"] if top < first.top else lines)
    return "golden = false"
