"""How often checks hold on checkpoints that nobody would call worse, and under several references.

A check that a harmless retraining breaks is too sharp: it will cry wolf. A trial is one checkpoint under one reference,
and a check is judged in as many as can make a difference to it: what the model says of the target is the same under
every reference, so that it is asked once per checkpoint, and a golden speaks of one reference alone.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from interp.cases import SUFFIX, GoldenRule, PinnedCase
from interp.checks import Answer, Check, Swap, Tag
from interp.checks.base import table
from interp.errors import FormatError, InputError, InterpError
from interp.explanation import ReferenceKind
from interp.golden import Golden, Policy, Rule, compare, loads, of
from interp.golden.folder import golden_file
from interp.runner import Explains, answers
from interp.settings import Settings

__all__ = [
    "ALLOWED",
    "CONFIDENCE",
    "ENOUGH",
    "Goldens",
    "Rate",
    "Stability",
    "Trial",
    "dumps",
    "find_cases",
    "stability",
]

ALLOWED = 0.05
"""A check that fails in a larger part of its trials is too sharp."""

ENOUGH = 20
"""With fewer trials a single failure is more than is allowed: they cannot show a rate of 5 %."""

CONFIDENCE = 0.95

BATCH = 16
"""Cases that are computed together; what goes wrong with one of them is found by computing each alone."""

FORMAT = "interp.stability/1"

Progress = Callable[[float], None]
Given = Mapping["Trial", Answer | str]
"""What each trial gave a case: its answer, or the sentence that says why there is none."""


@dataclass(frozen=True)
class Trial:
    """One checkpoint under one reference."""

    model: str
    reference: ReferenceKind


@dataclass(frozen=True)
class Rate:
    """How often one check of one case held.

    `judged`: the trials in which it was. `failures` and `errors` tell the trial and a sentence; an error is a trial that
    could not be computed, and counts neither way. `looser`: the case-file lines that would hold in every trial judged;
    None where the check never failed, or where nothing of its kind would hold. `note`: what else to know of it.
    """

    file: str
    case: str
    check: str
    judged: tuple[Trial, ...]
    failures: tuple[tuple[Trial, str], ...] = ()
    errors: tuple[tuple[Trial, str], ...] = ()
    looser: str | None = None
    xfail: bool = False
    note: str = ""

    @property
    def trials(self) -> int:
        return len(self.judged)

    @property
    def passed(self) -> int:
        return self.trials - len(self.failures)

    @property
    def too_sharp(self) -> bool:
        """Whether it failed in more trials than a check may; one that is expected to fail is not to be mended."""
        return not self.xfail and len(self.failures) > ALLOWED * self.trials

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Clopper and Pearson's 95 % interval of the pass rate, as if all trials were independent."""
        if not self.trials:
            return 0.0, 1.0
        from scipy.stats import binomtest

        found = binomtest(self.passed, self.trials).proportion_ci(CONFIDENCE, method="exact")
        return float(found.low), float(found.high)

    @property
    def doubtful(self) -> bool:
        """Whether it is too sharp in these trials, but so few that it may yet hold as often as it should."""
        return self.too_sharp and self.interval[1] >= 1 - ALLOWED


@dataclass(frozen=True)
class Stability:
    """`twins`: checkpoints with the weights of one before, which say nothing new."""

    models: tuple[str, ...]
    trials: tuple[Trial, ...]
    rates: tuple[Rate, ...]
    twins: tuple[tuple[str, str], ...] = ()

    @property
    def too_sharp(self) -> list[Rate]:
        return [rate for rate in self.rates if rate.too_sharp]

    @property
    def failed(self) -> bool:
        """Whether nothing at all could be judged."""
        return not any(rate.trials for rate in self.rates)

    @property
    def errors(self) -> bool:
        return any(rate.errors for rate in self.rates)


@dataclass(frozen=True)
class Goldens:
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


def find_cases(paths: Sequence[Path]) -> list[Path]:
    """Case files: those given, and those in the folders given. Raises InputError where there are none."""
    found: dict[Path, None] = {}
    for path in paths:
        some = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not some:
            raise InputError(f"{path} holds no case file: their names end in {SUFFIX}.")
        found |= dict.fromkeys(each.resolve() for each in some)
    return list(found)


def stability(
    files: Sequence[tuple[str, Sequence[PinnedCase]]],
    models: Sequence[str],
    references: Sequence[ReferenceKind],
    load: Callable[[str], Explains],
    memory: int | str | None = None,
    goldens: Goldens | None = None,
    progress: Progress | None = None,
) -> Stability:
    """Run every case on every model under every reference, and judge each check.

    `references`: empty for each case's own and "mask" ("pad" where its own is "mask"). The models that cases name do not
    matter. One model is held at a time; one that cannot be loaded, and a case that does not fit one, are errors of those
    trials alone. `progress` is told what part is done.
    """
    cases = [(file, case) for file, some in files for case in some]
    tried = [tuple(dict.fromkeys(references)) or _default(case) for _, case in cases]
    held = [_golden(goldens, file, case) for file, case in cases]
    units = [
        _Unit(number, kind, _asked(case, kind, held[number]))
        for number, (_, case) in enumerate(cases)
        for kind in tried[number]
    ]
    given: list[dict[Trial, Answer | str]] = [{} for _ in cases]
    models = tuple(dict.fromkeys(models))
    tell = progress or (lambda _: None)
    for number, name in enumerate(models):
        whole = _on_model(units, name, load, memory, lambda part, n=number: tell((n + part) / len(models)))
        for unit, answer in zip(units, whole, strict=True):
            given[unit.number][Trial(name, unit.reference)] = answer
    rates: list[Rate] = []
    for (file, case), some, golden in zip(cases, given, held, strict=True):
        rates += _rates(file, case, some, golden, goldens)
    kinds = dict.fromkeys(kind for some in tried for kind in some)
    every = tuple(Trial(name, kind) for name in models for kind in kinds)
    return Stability(models, every, tuple(rates), _twins(given))


def dumps(result: Stability) -> str:
    """The result as a JSON document, `interp.stability/1`."""

    def told(pairs: Sequence[tuple[Trial, str]]) -> list[dict[str, str]]:
        return [{"model": trial.model, "reference": trial.reference, "sentence": text} for trial, text in pairs]

    rates = [
        {
            "file": rate.file,
            "case": rate.case,
            "check": rate.check,
            "passed": rate.passed,
            "trials": rate.trials,
            "interval": rate.interval if rate.trials else None,
            "too_sharp": rate.too_sharp,
            "looser": rate.looser,
            "failures": told(rate.failures),
            "errors": told(rate.errors),
            "note": rate.note,
        }
        for rate in result.rates
    ]
    document = {
        "format": FORMAT,
        "allowed": ALLOWED,
        "confidence": CONFIDENCE,
        "models": result.models,
        "references": list(dict.fromkeys(trial.reference for trial in result.trials)),
        "same_weights": result.twins,
        "rates": rates,
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


@dataclass(frozen=True)
class _Unit:
    """A case, by its number, under one reference."""

    number: int
    reference: ReferenceKind
    case: PinnedCase


@dataclass(frozen=True)
class _Held:
    """The golden of a case: the file's, or why there is none to hold anything against."""

    golden: Golden | None
    error: str = ""


def _default(case: PinnedCase) -> tuple[ReferenceKind, ...]:
    own = case.question.reference
    return own, "pad" if own == "mask" else "mask"


def _golden(goldens: Goldens | None, file: str, case: PinnedCase) -> _Held | None:
    """None where the case has no golden to judge."""
    if goldens is None or case.golden is None:
        return None
    try:
        return _Held(goldens.get(file, case.id))
    except InterpError as error:
        return _Held(None, str(error))


def _asked(case: PinnedCase, kind: ReferenceKind, held: _Held | None) -> PinnedCase:
    """The case under another reference; only a golden needs the hidden dimensions of the zoomed word."""
    zoom = case.question.zoom if held is not None and _speaks_of(held.golden, kind) else None
    return replace(case, question=replace(case.question, reference=kind, zoom=zoom))


def _speaks_of(golden: Golden | None, kind: ReferenceKind) -> bool:
    return golden is not None and golden.question.get("reference") == kind


def _on_model(
    units: Sequence[_Unit],
    name: str,
    load: Callable[[str], Explains],
    memory: int | str | None,
    progress: Progress,
) -> list[Answer | str]:
    """The answer of one model to every unit, or why there is none."""
    try:
        model = load(name)
    except Exception as error:  # one checkpoint of many that is broken must not cost what the others said
        return [_sentence(error)] * len(units)
    found: list[Answer | str] = []
    for start in range(0, len(units), BATCH):
        some = [unit.case for unit in units[start : start + BATCH]]
        try:
            found += [a if isinstance(a, Answer) else str(a) for a in answers(model, some, memory)]
        except Exception:
            found += [_alone(model, case, memory) for case in some]
        progress(len(found) / len(units))
    return found


def _alone(model: Explains, case: PinnedCase, memory: int | str | None) -> Answer | str:
    try:
        found = answers(model, [case], memory)[0]
    except Exception as error:
        return _sentence(error)
    return found if isinstance(found, Answer) else str(found)


def _sentence(error: Exception) -> str:
    if isinstance(error, InterpError):
        return str(error)
    first = (str(error).strip() or "no message").splitlines()[0]
    return f"{type(error).__name__}: {first}"


def _twins(given: Sequence[Given]) -> tuple[tuple[str, str], ...]:
    """Every model that has the weights of one before it, with that one."""
    weights: dict[str, str] = {}
    for some in given:
        for trial, answer in some.items():
            if isinstance(answer, Answer):
                weights.setdefault(trial.model, answer.explanation.model.sha256)
    first: dict[str, str] = {}
    return tuple((first[sha], name) for name, sha in weights.items() if first.setdefault(sha, name) != name)


@dataclass
class _Judged:
    """What came of one check while its trials are gone through."""

    answers: dict[Trial, Answer] = field(default_factory=dict)
    failures: list[tuple[Trial, str]] = field(default_factory=list)
    errors: list[tuple[Trial, str]] = field(default_factory=list)

    def rate(self, file: str, case: PinnedCase, check: str, looser: str | None, note: str = "") -> Rate:
        reason = case.xfail.get(check)
        note = note if reason is None else f"is expected to fail: {reason}"
        told = tuple(self.answers), tuple(self.failures), tuple(self.errors)
        return Rate(file, case.id, check, *told, looser, reason is not None, note)


def _rates(file: str, case: PinnedCase, given: Given, held: _Held | None, goldens: Goldens | None) -> list[Rate]:
    """The rate of every check of a case, its golden last."""
    judged = {check: _judge(check, _relevant(check, case, given)) for check in case.checks}
    looser = _looser(judged)
    rates = [done.rate(file, case, check.name, looser.get(check)) for check, done in judged.items()]
    if held is not None and goldens is not None:
        rates.append(_golden_rate(file, case, given, held, goldens))
    return rates


def _relevant(check: Check, case: PinnedCase, given: Given) -> Given:
    """The trials of a check: those under one reference, the case's own if possible, where references do not matter."""
    tags_only = isinstance(check, Swap) and all(one.keep == ("tag",) for one in check.swaps)
    if not (isinstance(check, Tag) or tags_only):
        return given
    kinds = list(dict.fromkeys(trial.reference for trial in given))
    one = case.question.reference if case.question.reference in kinds else kinds[0]
    return {trial: answer for trial, answer in given.items() if trial.reference == one}


def _judge(check: Check, given: Given) -> _Judged:
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
    """By check that failed, the line that would hold in all its trials.

    Two lines of one key cannot stand in a case: words that are moved into `share` join those that it has, and of two
    integration tolerances the larger one holds for both.
    """
    found: dict[Check, str | None] = {}
    for check, done in judged.items():
        if done.failures:
            found[check] = check.line(list(done.answers.values()))
    parsed = {check: tomllib.loads(line) for check, line in found.items() if line is not None}
    moved = [check for check, content in parsed.items() if "share" in content and check.name != "share"]
    if moved:
        own: dict[str, str] = {}
        for check, done in judged.items():
            if check.name == "share" and done.answers:
                own = tomllib.loads(check.line(list(done.answers.values())) or "share = {}")["share"]
        whole = {word: bound for check in moved for word, bound in parsed[check]["share"].items()} | own
        for check in found:
            if check in moved and parsed[check]["share"].keys() <= own.keys():
                found[check] = None  # `share` speaks of the word already
            elif check in moved or check.name == "share":
                found[check] = f"share = {table(whole)}"
    for check, tolerance in _tolerances(parsed).items():
        found[check] = tolerance
    return found


def _tolerances(parsed: Mapping[Check, Mapping[str, Any]]) -> dict[Check, str | None]:
    """The largest integration tolerance, as none below 1 holds for more."""
    key = "integration_tolerance"
    proposed = {check: float(content[key]) for check, content in parsed.items() if key in content}
    largest = max(proposed.values(), default=0.0)
    return dict.fromkeys(proposed, f"{key} = {largest:.0e}" if largest < 1 else None)


def _golden_rate(file: str, case: PinnedCase, given: Given, held: _Held, goldens: Goldens) -> Rate:
    """A golden is judged under its own reference, which its question tells."""
    done, rule, old = _Judged(), case.golden, held.golden
    assert rule is not None
    if held.error:
        done.errors += [(trial, held.error) for trial in given]
        return done.rate(file, case, "golden", None)
    if old is None:
        return done.rate(file, case, "golden", None, "has no file yet: accept one with pytest --snapshot-update.")
    new: dict[Trial, tuple[Golden, Policy]] = {}
    for trial, answer in given.items():
        if not _speaks_of(old, trial.reference):
            continue
        if isinstance(answer, str):
            done.errors.append((trial, answer))
            continue
        policy = goldens.policy(rule, answer.explanation.run.device)
        try:
            new[trial] = of(answer.explanation, policy.tolerance), policy
        except InterpError as error:
            done.errors.append((trial, str(error)))
            continue
        comparison = compare(old, new[trial][0], policy)
        if comparison.rule is Rule.QUESTION and not _tag_alone(old, new[trial][0]):
            done.errors.append((trial, f"{Rule.QUESTION.value} {' '.join(comparison.failures)}"))
            del new[trial]
            continue
        done.answers[trial] = answer
        if not comparison.passed:
            done.failures.append((trial, " ".join(comparison.failures)))
    note = "" if done.answers or done.errors else f"was accepted under {old.question.get('reference')}, not tried here."
    return done.rate(file, case, "golden", _looser_golden(old, list(new.values())) if done.failures else None, note)


def _tag_alone(old: Golden, new: Golden) -> bool:
    """Whether the questions differ in the tag alone: a case that names none explains what the checkpoint says."""
    return dict(old.question) | {"tag": None} == dict(new.question) | {"tag": None}


def _looser_golden(old: Golden, new: Sequence[tuple[Golden, Policy]]) -> str:
    """What of the golden holds in every trial: fewer leading words, not the numbers; or else nothing."""
    first = new[0][1]
    for top in range(first.top, 0, -1):
        if all(compare(old, each, replace(policy, top=top, strict=False)).passed for each, policy in new):
            lines = ["golden = true"] if first.strict else []
            return "\n".join([*lines, f"golden_top = {top}"] if top < first.top else lines)
    return "golden = false"
