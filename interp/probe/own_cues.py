"""Cues that come from the candidate itself: words that, put anywhere, would move a tag most, by its own gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from interp.errors import InputError
from interp.probe.cues import Cue
from interp.probe.nominate import Nomination, merge_nominations
from interp.probe.sites import Edit, Place, Site, Texts, apply_edit, find_sites
from interp.question.tags import OUTSIDE
from interp.taggers import Predictor, word_gradients_of

if TYPE_CHECKING:
    from interp.models.word_gradients import WordGradients

__all__ = ["own_cues"]

MOST_OWN = 60
"""Words that a candidate proposes."""
SITES = 16
"""Sentences over which gradients are averaged."""
PLACES = (Place.BEFORE, Place.AFTER)


def own_cues(
    baseline: Predictor, candidate: Predictor, texts: Texts, *, seed: int, count: int = MOST_OWN
) -> list[Nomination]:
    """The words whose effect on a tag is larger in the candidate than in the baseline, to first order: of every tag
    and place the first before the second of any. None where a side gives no gradients, or no text can be probed in.
    """
    before, after = word_gradients_of(baseline), word_gradients_of(candidate)
    if before is None or after is None or set(baseline.labels) != set(candidate.labels):
        return []
    words = [word for word in after.words if word in before.words]
    try:
        sites = find_sites(texts, baseline, SITES, seed)
    except InputError:  # as the probe itself will say
        return []
    if not words:
        return []
    order = [candidate.labels.index(label) for label in baseline.labels]
    rankings: list[list[Nomination]] = []
    for place in PLACES:
        gained = _effects(after, sites, place, words)[:, order] - _effects(before, sites, place, words)
        for column, label in enumerate(baseline.labels):
            if label != OUTSIDE:
                first = np.argsort(-gained[:, column], kind="stable")[:count]
                rankings.append([Nomination(Cue("words", words[index]), "gradient") for index in first])
    return merge_nominations(*rankings, most=count)


def _effects(
    gradients: WordGradients, sites: Sequence[Site], place: Place, words: Sequence[str]
) -> npt.NDArray[np.float64]:
    """Of every word on every tag, (words, labels)."""
    edited = (apply_edit(site, Edit(place, (gradients.placeholder,))) for site in sites)
    effects = gradients.effects([sentence for sentence in edited if sentence is not None])
    rows = {word: row for row, word in enumerate(gradients.words)}
    return effects[[rows[word] for word in words]]
