"""What a stability run found, as data and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from interp.errors import counted, quoted
from interp.question import ReferenceKind

__all__ = ["ALLOWED", "CONFIDENCE", "ENOUGH", "PassRate", "StabilityResult", "Trial", "dumps", "too_many"]

ALLOWED = 0.05
"""A check that fails in a larger part of its trials is too sharp."""

ENOUGH = 20
"""With fewer trials a single failure is more than is allowed: they cannot show a rate of 5 %."""

CONFIDENCE = 0.95

FORMAT = "interp.stability/1"


@dataclass(frozen=True)
class Trial:
    """One checkpoint under one reference."""

    model: str
    reference: ReferenceKind


@dataclass(frozen=True, kw_only=True)
class PassRate:
    """How often one check of one case held."""

    file: str
    case: str
    check: str
    judged: tuple[Trial, ...]
    """The trials in which it was judged."""
    failures: tuple[tuple[Trial, str], ...] = ()
    """The trials in which it did not hold, each with a sentence."""
    errors: tuple[tuple[Trial, str], ...] = ()
    """The trials that could not be computed, each with a sentence: they count neither way."""
    looser: str | None = None
    """Of a check that is too sharp: the case-file lines that would hold in every trial judged; None where nothing of
    its kind would."""
    xfail: bool = False
    """Whether it is expected to fail."""
    note: str = ""
    """What else to know."""

    def __repr__(self) -> str:
        verdict = ", too sharp" if self.too_sharp else ""
        errors = f", {counted(len(self.errors), 'error')}" if self.errors else ""
        return f"<PassRate of {self.check} in {quoted(self.case)}: {self.passed} of {self.trials}{verdict}{errors}>"

    @property
    def trials(self) -> int:
        return len(self.judged)

    @property
    def passed(self) -> int:
        return self.trials - len(self.failures)

    @property
    def too_sharp(self) -> bool:
        """Whether it failed in more trials than a check may; one that is expected to fail is not to be mended."""
        return not self.xfail and too_many(len(self.failures), self.trials)

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Clopper and Pearson's 95 % interval of the pass rate, as if all trials were independent."""
        if not self.trials:
            return 0.0, 1.0
        from scipy.stats import binomtest

        interval = binomtest(self.passed, self.trials).proportion_ci(CONFIDENCE, method="exact")
        return float(interval.low), float(interval.high)

    @property
    def doubtful(self) -> bool:
        """Whether it is too sharp in these trials, but so few that it may yet hold as often as it should."""
        return self.too_sharp and self.interval[1] >= 1 - ALLOWED


@dataclass(frozen=True)
class StabilityResult:
    """`twins`: checkpoints with the weights of one before, which say nothing new."""

    models: tuple[str, ...]
    trials: tuple[Trial, ...]
    rates: tuple[PassRate, ...]
    twins: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        work = f"{counted(len(self.rates), 'check')} in {counted(len(self.trials), 'trial')}"
        return f"<StabilityResult of {counted(len(self.models), 'model')}: {work}, {len(self.too_sharp)} too sharp>"

    @property
    def too_sharp(self) -> list[PassRate]:
        return [rate for rate in self.rates if rate.too_sharp]

    @property
    def failed(self) -> bool:
        """Whether nothing at all could be judged."""
        return not any(rate.trials for rate in self.rates)

    @property
    def errors(self) -> bool:
        return any(rate.errors for rate in self.rates)


def dumps(result: StabilityResult) -> str:
    """The result as a JSON document, `interp.stability/1`."""

    def with_sentences(pairs: Sequence[tuple[Trial, str]]) -> list[dict[str, str]]:
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
            "failures": with_sentences(rate.failures),
            "errors": with_sentences(rate.errors),
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


def too_many(failures: int, trials: int) -> bool:
    return failures > ALLOWED * trials
