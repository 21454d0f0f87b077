"""A model without a model: explanations made by hand from the words of the question, for tests of the plugin.

What a word gives is in `WEIGHTS`, or follows from its letters; some words make something happen (see `Stub`). The
model's name says which weights it has: those of `WEIGHTS`, or how they differ.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from interp.engine.status import IntegrationStatus
from interp.errors import InputError, ModelError
from interp.explanation import (
    Completeness,
    Components,
    Explanation,
    Integration,
    ModelInfo,
    Reference,
    Run,
    Target,
    Word,
)
from interp.question import Question
from interp.question.words import find_target

LOG = "STUB_LOG"
"""The environment variable with the file that counts: a line for every model loaded and every batch computed."""

WEIGHTS = {"surprise": 4.0, "lucky": 1.0, "win": 0.5}
LAYERS = 3


@dataclass(frozen=True)
class Weights:
    """`sha256` is one character, repeated. `times` multiplies what a word gives, `plus` adds a part of the sum."""

    sha256: str
    times: float = 1.0
    leader: str | None = None
    plus: tuple[tuple[str, float], ...] = ()
    tag: str | None = None


MODELS = {
    "stub": Weights("1"),
    "stub-hair": Weights("1", plus=(("win", 1e-4),)),
    "stub-moved": Weights("1", plus=(("win", 1e-2),)),
    "stub-v2": Weights("2", times=1.2, plus=(("win", 0.05),)),
    "stub-lucky": Weights("3", leader="lucky"),
    "stub-tied": Weights("4", plus=(("lucky", 1e-3),)),
    "stub-third": Weights("6", plus=(("defeat", 0.1),)),
    "stub-turned": Weights("7", plus=(("win", -0.3),)),
    "stub-org": Weights("5", tag="B-ORG"),
}
"""-hair: the same weights, a number moved within every tolerance; -moved: beyond it. Others have other weights."""

ON_CUDA = 4e-3
"""What the word `win` gives more on cuda, as a part of the sum: within the default tolerance, not within less."""


def load(name: str, device: str) -> Stub:
    """The hook pytest_interp_load of a test's project."""
    log(f"load {name} on {device}")
    if Path(name).name not in MODELS:
        raise ModelError(f'There is no model "{name}": give one of {", ".join(MODELS)}.')
    return Stub(Path(name).name, device)


def log(line: str) -> None:
    """One write, so that lines of several processes do not mix."""
    if path := os.environ.get(LOG):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {line}\n")


class Stub:
    """Words that make something happen: `nan`, `stuck` and `leaky` are wrong in the numbers, `sleepy` takes its time,
    `unknown` is refused by `check`, `broken` fails in the middle of its batch.
    """

    def __init__(self, name: str, device: str) -> None:
        self.name, self.weights = name, MODELS[name]
        self.device = "cpu" if device == "auto" else device

    def prepare(self, questions: Sequence[Question]) -> Sequence[Question]:
        for question in questions:
            if "unknown" in question.words:
                raise InputError(f'The model "{self.name}" does not know the word "unknown".')
        return questions

    def explain_many(
        self,
        cases: Sequence[Question],
        *,
        tolerance: float,
        max_evaluations: int,  # noqa: ARG002
        faithful: bool,  # noqa: ARG002
        memory: int | str | None,  # noqa: ARG002
    ) -> Iterator[Explanation]:
        log(f"batch of {len(cases)}: {', '.join(' '.join(case.words) for case in cases)}")
        for case in cases:
            if "broken" in case.words:
                raise ModelError("The weights hold NaN: the checkpoint is damaged.")
            if "sleepy" in case.words:
                time.sleep(60)
            yield self.explain(case, tolerance)

    def explain(self, case: Question, tolerance: float) -> Explanation:
        words = ["[CLS]", *case.words, "[SEP]"]
        target = find_target(case.words, case.target)
        values = self.values(words, target)
        total = sum(values)
        tag = self.weights.tag or ("B-PER" if "surprise" in words else "O")
        layers = tuple(_layer(values, target[0], depth) for depth in range(1, LAYERS + 1))
        return Explanation(
            model=ModelInfo(
                name=self.name, sha256=self.weights.sha256 * 64, labels=("O", "B-PER", "B-ORG"), layers=LAYERS
            ),
            text=" ".join(case.words),
            words=tuple(
                Word(
                    index=i,
                    text=word,
                    special=i in (0, len(words) - 1),
                    tag=None if i in (0, len(words) - 1) else "O",
                    probability=0.9,
                    attribution=value,
                )
                for i, (word, value) in enumerate(zip(words, values, strict=True))
            ),
            target=Target(
                words=tuple(words[i] for i in target),
                indices=target,
                tags=tuple(str(case.tag or tag).split()) * (1 if " " in str(case.tag) else len(target)),
                against=None,
                probabilities=(0.96,) * len(target),
                output=case.output,
                predicted=(tag,) * len(target),
            ),
            reference=Reference(case.reference, case.positions),
            components=Components(tuple(0.75 * v for v in values), tuple(0.25 * v for v in values), None),
            layers=layers,
            zoom=None,
            completeness=_completeness(words, total, tolerance),
            run=Run(
                device=self.device,
                dtype="float32",
                threads=1,
                rows_per_forward=8,
                versions={"interp": "0.1.0", "stub": "1"},
            ),
            absent={"token_type": "a stub has no token types"},
        )

    def values(self, words: Sequence[str], target: Sequence[int]) -> list[float]:
        weights = self.weights
        values = [WEIGHTS.get(word, 0.01 + zlib.crc32(word.encode()) % 100 / 1000) for word in words]
        for index in target:
            values[index] = -0.25
        mass = sum(map(abs, values))
        more = dict(weights.plus)
        more["win"] = more.get("win", 0.0) + (ON_CUDA if self.device.startswith("cuda") else 0.0)
        values = [value * weights.times + more.get(word, 0.0) * mass for word, value in zip(words, values, strict=True)]
        if weights.leader in words:
            values[words.index(weights.leader)] = 9.0
        return [float("nan") if word == "nan" else value for word, value in zip(words, values, strict=True)]


def _layer(values: Sequence[float], target: int, depth: int) -> tuple[float, ...]:
    """The evidence moves to the target; the sum stays."""
    row = [value * 0.25**depth for value in values]
    row[target] += sum(values) - sum(row)
    return tuple(row)


def _completeness(words: Sequence[str], total: float, tolerance: float) -> Completeness:
    stuck, leak = "stuck" in words, 0.25 if "leaky" in words else 1e-5
    path = Integration(
        at_input=total,
        at_reference=0.0,
        residuals=(leak,) * (LAYERS + 1),
        estimate=2.5e-2 if stuck else 1e-5,
        tolerance=tolerance,
        evaluations=1025 if stuck else 33,
        status=IntegrationStatus.NOT_CONVERGED if stuck else IntegrationStatus.CONVERGED,
    )
    return Completeness(path, None)
