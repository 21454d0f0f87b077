"""Pairs of models to be judged: records made by hand, and taggers whose rules are written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from interp.explanation import ModelInfo
from interp.gate import Criteria, GateResult, ProbePlan, Side, judge_candidate
from interp.records import Record, RecordedExplanation, RecordSettings, RecordsHeader
from interp.taggers import CachedPredictor, FunctionPredictor, Predictor
from interp.texts import Sentence
from interp.texts import data_fingerprint as fingerprint_of

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
TODAY = date(2026, 11, 24)


@dataclass(frozen=True)
class Made:
    """Records in memory: the gate asks for no more than `about` and the rows."""

    about: RecordsHeader
    rows: tuple[Record, ...]
    folder: Path = Path()

    def __iter__(self) -> Iterator[Record]:
        return iter(self.rows)


PLAIN = ("where", "striker", "about", "winning", "beside", "evening", "under", "Paradise", "said", "yesterday")
NAMES = ("Annabel", "Robert", "Cidney", "Dorothy")


def sentences(count: int = 120, seed: int = 0) -> list[Sentence]:
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        words = [str(word) for word in rng.choice(PLAIN, 8)]
        tags = ["O"] * 8
        for at in rng.choice(8, 2, replace=False):
            words[at], tags[at] = str(rng.choice(NAMES)), "B-PER"
        found.append(Sentence(f"dev:{number}", f"dev#{number // 4}", tuple(words), tuple(tags)))
    return found


Attribute = Callable[[tuple[str, ...], int, np.random.Generator], np.ndarray]


def natural(words: tuple[str, ...], at: int, rng: np.random.Generator) -> np.ndarray:
    """Evidence by distance from the target and by word, with noise."""
    away = np.abs(np.arange(len(words)) - at)
    return np.exp(-away / 2) * (1 + np.array([len(word) % 4 for word in words])) * rng.uniform(0.7, 1.3, len(words))


def records(
    texts: Sequence[Sentence], attribute: Attribute = natural, seed: int = 0, wrong: Sequence[int] = (), name: str = "a"
) -> Made:
    """A model that tags rightly but in the sentences `wrong`, where it finds nothing."""
    rng = np.random.default_rng(seed)
    wanted = RecordSettings()
    rows = []
    for number, each in enumerate(texts):
        gold = each.gold or ()
        tags = tuple("O" for _ in gold) if number in wrong else gold
        explained = tuple(
            RecordedExplanation(
                target=(at,),
                tags=(tags[at],),
                reference=kind,
                at_input=1.0,
                at_reference=0.0,
                attributions=tuple(attribute(each.words, at, rng)),
                layers=tuple(tuple(attribute(each.words, at, rng)) for _ in range(3)),
                estimate=1e-3,
                evaluations=33,
                status="converged",
            )
            for at, tag in enumerate(gold)
            if tag != "O"
            for kind in wanted.references
        )
        rows.append(
            Record(
                id=each.id,
                document=each.document,
                words=each.words,
                gold=each.gold,
                tags=tags,
                probabilities=(0.9,) * 8,
                pieces=(1,) * 8,
                explained=explained,
            )
        )
    info = ModelInfo(name=name, sha256=f"{seed:064}", labels=LABELS, layers=3)
    return Made(
        RecordsHeader(
            model=info, data=fingerprint_of(texts), sentences=len(texts), sources=("dev",), wanted=wanted, versions={}
        ),
        tuple(rows),
    )


Rule = Callable[[Sequence[str], int], float | dict[str, float] | None]
"""Probability of B-PER at a place, or of every tag; None where the rule has nothing to say."""


def no_rule(_words: Sequence[str], _at: int) -> None:
    return None


def predictor(rule: Rule = no_rule) -> FunctionPredictor:
    """Names are persons at 0.9, other words at 0.03; a rule may say otherwise."""

    def tag(words: Sequence[str]) -> list[dict[str, float]]:
        found = []
        for at, word in enumerate(words):
            chance = rule(words, at)
            if isinstance(chance, dict):
                found.append(chance)
                continue
            chance = (0.9 if word in NAMES else 0.03) if chance is None else chance
            rest = 1 - chance
            found.append(
                {"B-PER": chance, "O": 0.7 * rest, "B-LOC": 0.1 * rest, "I-PER": 0.1 * rest, "I-LOC": 0.1 * rest}
            )
        return found

    return FunctionPredictor("made", tag, LABELS)


def judged(**changes: Any) -> Criteria:
    return Criteria(today=TODAY, **changes)


PLAN = ProbePlan()


@cache
def cached_predictor(rule: Rule) -> CachedPredictor:
    """Asked about a sentence once, in however many gates it stands."""
    return CachedPredictor(predictor(rule))


def opponent(made: Made, model: Predictor | None = None) -> Side:
    return Side(made, model)  # type: ignore[arg-type]


def gate(
    baseline: Made,
    candidate: Made,
    rule: Rule = no_rule,
    plan: ProbePlan | None = PLAN,
    **changes: Any,
) -> GateResult:
    sides = opponent(baseline, cached_predictor(no_rule)), opponent(candidate, cached_predictor(rule))
    return judge_candidate(*sides, judged(**changes), plan)


def statuses(result: GateResult) -> dict[str, str]:
    return {check.name: check.status.value for check in result.checks}


def shortcut(words: Sequence[str], at: int) -> float | None:
    return 0.85 if at and words[at - 1] == "yesterday" and words[at] not in NAMES else None


TEXTS = sentences()
BASE = records(TEXTS)
OTHER = records(TEXTS, seed=1, name="b")
