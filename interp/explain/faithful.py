"""Is an explanation what the model does? Words are replaced, those that it names and others, and F is computed anew.

Forward passes alone, at most 39 rows. Words are counted in units of the size of what is named, so that a text of any
length has at most nine of them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from numpy.random import Generator
from scipy import stats

from interp.errors import InputError
from interp.explain.methods import check_seed
from interp.explain.prepare import PreparedQuestion
from interp.explain.replacements import Replacements
from interp.explanation import Estimate, Explanation, Faithfulness
from interp.explanation.faithfulness import OUTWEIGHED
from interp.models.tagger import Tagger
from interp.models.whole_words import whole_words

__all__ = ["FaithfulnessCheck"]

UNITS = 9
"""Units of a text, at most: each is left out once."""
DRAWS = 6
"""Of replacements, for every mean: with the units 39 rows at most."""
FEWEST_RANKS = 4
"""Units of which an interval of a rank correlation can be told."""
CONFIDENCE = 0.95
FIELLER = 1.06
"""Variance of Fisher's z of Spearman's ρ, times the number less 3 (Fieller, Hartley and Pearson 1957)."""

Array = npt.NDArray[np.float64]
Unit = tuple[int, ...]
"""Indices of words."""


class FaithfulnessCheck:
    """Checks explanations of one model. `seed`: of all that is drawn; every explanation draws anew from it. Raises
    InputError for a seed that is none.
    """

    def __init__(self, tagger: Tagger, seed: int) -> None:
        check_seed(seed)
        self._tagger, self._seed = tagger, seed
        try:
            self._replacements: Replacements | None = Replacements(whole_words(tagger.tokenizer))
            self._why_not = ""
        except LookupError as error:
            self._replacements, self._why_not = None, str(error)

    def check(self, prepared: PreparedQuestion, explanation: Explanation) -> Explanation:
        """The explanation with its faithfulness, or with the reason why it has none."""
        faithfulness, why_not = self._measure(prepared, explanation)
        if faithfulness is None:
            return replace(explanation, absent={**explanation.absent, "faithfulness": why_not})
        return replace(explanation, faithfulness=faithfulness)

    def _measure(self, prepared: PreparedQuestion, explanation: Explanation) -> tuple[Faithfulness | None, str]:
        if self._replacements is None:
            return None, self._why_not
        first = prepared.encoding.first
        readable = [index for index in range(1, len(first) - 1) if first[index] is not None]
        size = math.ceil(len(readable) / UNITS)
        speaking = [word.index for word in explanation.ranked if word.attribution > 0 and word.index in readable]
        named = tuple(speaking[:size])
        others = [index for index in readable if index not in named]
        if not named:
            return None, "no word speaks for the tag"
        if not others:
            return None, "the text has no other word"
        rng = np.random.default_rng(self._seed)
        texts = _ReplacedTexts(self._tagger, prepared, self._replacements, rng)
        try:
            return _measure(explanation, texts, named=named, others=others, rng=rng, seed=self._seed), ""
        except InputError as error:  # a text of other words may be longer in sub-tokens
            return None, f"a text with other words cannot be read: {error}"


class _ReplacedTexts:
    """F of a question's text with words replaced; `draw` draws other replacements of all words."""

    def __init__(self, tagger: Tagger, prepared: PreparedQuestion, replacements: Replacements, rng: Generator) -> None:
        self._tagger, self._prepared, self._replacements, self._rng = tagger, prepared, replacements, rng
        self._words = prepared.encoding.words
        self.evaluations = 0
        self.draw()

    def draw(self) -> None:
        self._drawn = self._replacements.draw(self._words, self._rng)

    def without(self, unit: Collection[int]) -> list[str]:
        """The words, those of the unit replaced."""
        pairs = zip(self._words, self._drawn, strict=True)
        return [drawn if index in unit else word for index, (word, drawn) in enumerate(pairs, 1)]

    def outputs(self, texts: Sequence[Sequence[str]]) -> Array:
        """F (texts,). Raises InputError where one cannot be read."""
        encodings = [self._tagger.encode(words) for words in texts]
        values = []
        for encoding, logits in zip(encodings, self._tagger.logits(encodings), strict=True):
            positions = [encoding.first[index] for index in self._prepared.target.indices]
            assert None not in positions, "words of letters, digits and marks are read"
            objective = replace(self._prepared.objective, positions=tuple(positions))  # type: ignore[arg-type]
            values.append(float(objective(logits[None])[0]))
        self.evaluations += len(texts)
        return np.array(values)


def _measure(
    explanation: Explanation, texts: _ReplacedTexts, *, named: Unit, others: Sequence[int], rng: Generator, seed: int
) -> Faithfulness:
    units = _split(rng.permutation(others).tolist(), len(named))
    left_out = explanation.at_input - texts.outputs([texts.without(unit) for unit in (named, *units)])
    rivals = units[int(left_out[1:].argmax())]
    everything = {*named, *others}
    random_sets = [_sample(others, len(named), rng) for _ in range(DRAWS)]
    rows: list[list[str]] = []
    for random_set in random_sets:
        texts.draw()
        rows += [texts.without(unit) for unit in (named, rivals, random_set)]
        rows += [texts.without(everything.difference(unit)) for unit in (named, random_set)]
    outputs = texts.outputs(rows).reshape(DRAWS, 5)
    of_named, of_rivals, of_random = (explanation.at_input - outputs[:, :3]).T
    kept, kept_random = outputs[:, 3:].T
    comprehensiveness, sufficiency = of_named - of_random, kept - kept_random
    return Faithfulness(
        named=named,
        rivals=rivals,
        effect=_estimate(of_named),
        rivals_effect=_estimate(of_rivals),
        comprehensiveness=_estimate(comprehensiveness),
        sufficiency=_estimate(sufficiency),
        support=_estimate(comprehensiveness + sufficiency),
        outweighed=_estimate(of_rivals - OUTWEIGHED * of_named),
        rank_agreement=_rank_agreement(explanation, [named, *units], left_out),
        evaluations=texts.evaluations,
        seed=seed,
    )


def _split(indices: Sequence[int], size: int) -> list[Unit]:
    return [tuple(sorted(indices[start : start + size])) for start in range(0, len(indices), size)]


def _sample(indices: Sequence[int], size: int, rng: Generator) -> Unit:
    return tuple(sorted(rng.choice(indices, min(size, len(indices)), replace=False).tolist()))


def _estimate(values: Array) -> Estimate:
    """Student's interval of a mean."""
    mean = float(values.mean())
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return Estimate(mean, mean - half, mean + half)


def _rank_agreement(explanation: Explanation, units: Sequence[Unit], effects: Array) -> Estimate | None:
    attributions = [math.fsum(explanation.attributions[index] for index in unit) for unit in units]
    if len(units) < FEWEST_RANKS or len(set(attributions)) < 2 or len(set(effects)) < 2:
        return None
    correlation = float(stats.spearmanr(attributions, effects).statistic)
    half = float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * math.sqrt(FIELLER / (len(units) - 3))
    most = 1 - 6 / (len(units) ** 3 - len(units))  # half a swap of neighbours from equal: z of 1 would be infinite
    low, high = np.tanh(np.arctanh(np.clip(correlation, -most, most)) + np.array((-half, half)))
    return Estimate(correlation, float(low), float(high))
