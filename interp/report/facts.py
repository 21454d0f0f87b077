"""What every report says, worked out once: rows and sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from interp.engine.status import IntegrationStatus
from interp.explanation import Explanation, Integration, Verdict, distinct_names, normalised
from interp.question.tags import RATHER_THAN
from interp.question.words import unsplit_words
from interp.report import number_formats

__all__ = [
    "AGREEMENT_NOTE",
    "INTEGRATION_NOTE",
    "LAYERS_NOTE",
    "ComponentRow",
    "PathRow",
    "WordRow",
    "absent",
    "aim",
    "component_rows",
    "faithfulness",
    "headline",
    "notes",
    "output_unit",
    "path_rows",
    "reference",
    "sampling",
    "unit",
    "word_rows",
]

LAYERS_NOTE = (
    "Each layer's sum is the same F(input) - F(reference): a layer shows where the evidence sits, not how much it adds."
)
INTEGRATION_NOTE = "It speaks of the integral alone, not of the method or the choice of reference."
AGREEMENT_NOTE = "The choice of reference moves attributions more than anything else: trust what both references say."

SEVERAL = 5
"""Characters of a word in a script without spaces before it is told that it may be several."""

_UNITS = {
    "logit": "logits",
    "centred-logit": "centred logits",
    "log-probability": "nats",
    "probability": "probability",
}
_VERDICTS: dict[Verdict, str] = {
    "confirmed": "as the words that it names surely do more than random ones",
    "unclear": "as the words that it names may do no more than random ones",
    "contradicted": "as others surely do more than the words that it names",
}
_POSITIONS = {
    "mean": "every position becomes the mean of all that the model has",
    "zero": "every position becomes the first real one, as published",
    "same": "positions stay",
}

Piece = tuple[Literal["plain", "word", "tag", "number"], str]


@dataclass(frozen=True, kw_only=True)
class WordRow:
    """One word beside its numbers."""

    index: int
    text: str
    special: bool
    """Whether it is a special token."""
    target: bool
    """Whether it is of the words that are explained."""
    tag: str | None
    """What the model says of it."""
    attributed: str | None
    """The tag that is explained, of a target."""
    true: str | None
    """The right tag, of a target where it is known."""
    probability: float | None
    """Of `tag`."""
    value: float
    """Its attribution."""
    share: float
    """Of Σ|attribution|."""
    normalised: float
    """Divided by the L2 norm over words."""
    fraction: float
    """Of the largest |attribution|, signed."""
    error: float | None = None
    """Standard error, where something is drawn at random."""


@dataclass(frozen=True)
class ComponentRow:
    """One word's share of one embedding table."""

    index: int
    text: str
    value: float
    normalised: float


@dataclass(frozen=True, kw_only=True)
class PathRow:
    """The integration error reached on one path."""

    name: str
    integration: Integration
    converged: bool
    settled: bool
    """Converged, or with next to nothing to explain where it did not."""
    message: str
    residual: float


def word_rows(explanation: Explanation) -> list[WordRow]:
    """One row per word in sentence order, special tokens included."""
    values, target = explanation.attributions, explanation.target
    errors = explanation.errors
    mass, top = math.fsum(map(abs, values)), number_formats.largest(values)
    attributed = dict(zip(target.indices, target.tags, strict=True))
    true = dict(zip(target.indices, target.true, strict=True)) if target.true else {}
    return [
        WordRow(
            index=word.index,
            text=word.text,
            special=word.special,
            target=word.index in attributed,
            tag=word.tag,
            attributed=attributed.get(word.index),
            true=true.get(word.index),
            probability=word.probability,
            value=word.attribution,
            share=abs(word.attribution) / mass if mass else 0.0,
            normalised=norm,
            fraction=word.attribution / top if top else 0.0,
            error=errors[word.index] if errors else None,
        )
        for word, norm in zip(explanation.words, normalised(values), strict=True)
    ]


def component_rows(explanation: Explanation) -> dict[str, list[ComponentRow]]:
    """Every table that the model has, sorted as published: the most positive word first."""
    if explanation.components is None:
        return {}
    tables = {}
    for name, values in explanation.components.present.items():
        rows = [
            ComponentRow(word.index, word.text, value, norm)
            for word, value, norm in zip(explanation.words, values, normalised(values), strict=True)
        ]
        tables[name] = sorted(rows, key=lambda row: -row.value)
    return tables


def path_rows(explanation: Explanation) -> list[PathRow]:
    """The integration error of each path."""
    return [
        PathRow(
            name=name,
            integration=path,
            converged=path.status is IntegrationStatus.CONVERGED,
            settled=path.status.settled,
            message=_path_message(path),
            residual=number_formats.largest(path.residuals),
        )
        for name, path in explanation.completeness.paths.items()
    ]


def _path_message(path: Integration) -> str:
    """What its status says; by how much the output moves, where that is next to nothing."""
    if path.status is not IntegrationStatus.NEGLIGIBLE:
        return path.status.message
    moved = path.at_input - path.at_reference
    return f"{path.status.message} The output moves by {moved:.2g} from reference to input, {path.at_input:.4g}."


def aim(explanation: Explanation) -> str:
    """What was asked, as in `B-PER rather than B-ORG on Rob`."""
    return "".join(text for _, text in _aim_pieces(explanation))


def headline(explanation: Explanation) -> list[Piece]:
    """The answer in one sentence, in pieces that a renderer may style; and what contradicts it."""
    why = _contradiction(explanation)
    behind: list[Piece] = [("plain", f"; {why}")] if why else []
    return [*_answer(explanation), *behind]


def _contradiction(explanation: Explanation) -> str | None:
    """What the model does otherwise when words are replaced; None where that was not checked, or nothing was seen."""
    faithfulness = explanation.faithfulness
    if faithfulness is None or faithfulness.verdict != "contradicted":
        return None
    if faithfulness.outweighed.low <= 0:
        return "contradicted: replacing random words moves it more"
    return f"contradicted: replacing {_word_names(explanation, faithfulness.rivals)} moves it more"


def faithfulness(explanation: Explanation) -> str | None:
    """The verdict, what it means, and what the model does when words are replaced; None where that was not checked."""
    checked = explanation.faithfulness
    if checked is None:
        return None
    effects = (checked.effect, checked.rivals_effect)
    number = number_formats.signed(
        [value for effect in effects for value in (effect.mean, effect.low, effect.high)], digits=3
    )
    moves = [f"{number(-effect.mean)} ({number(-effect.high)} to {number(-effect.low)})" for effect in effects]
    named, rivals = (_word_names(explanation, unit) for unit in (checked.named, checked.rivals))
    sentence = (
        f"{checked.verdict}, {_VERDICTS[checked.verdict]}. Replacing {named} moves F by {moves[0]} "
        f"{output_unit(explanation)}, replacing {rivals} by {moves[1]}."
    )
    ranks = checked.rank_agreement
    if ranks is None:
        return sentence
    agreement = f"{ranks.mean:+.2f} ({ranks.low:+.2f} to {ranks.high:+.2f})"
    return f"{sentence} Rank agreement with leaving words out {agreement}."


def _word_names(explanation: Explanation, indices: Iterable[int]) -> str:
    names = distinct_names([word.text for word in explanation.words])
    return " and ".join(f'"{names[index]}"' for index in indices)


def _answer(explanation: Explanation) -> list[Piece]:
    leader, method = explanation.ranked[0], explanation.method
    word: Piece = ("word", leader.text)
    aimed_at = _aim_pieces(explanation)
    in_unit = unit(explanation)
    if method is not None and not method.signed:
        size: Piece = ("number", f"{leader.attribution:.4g}")
        return [word, ("plain", " moves "), *aimed_at, ("plain", " most: "), size, ("plain", f" {in_unit}")]
    pieces: list[Piece]
    if leader.attribution > 0:
        pieces = [word, ("plain", " speaks most for "), *aimed_at]
    else:
        pieces = [("plain", "No word speaks for "), *aimed_at, ("plain", "; least against is "), word]
    total = explanation.at_input - explanation.at_reference
    number = number_formats.signed([leader.attribution, total])
    pieces += [("plain", ": "), ("number", number(leader.attribution))]
    adds_up = method is None or method.complete != "no"
    if adds_up and 0 < leader.attribution <= total:
        return [*pieces, ("plain", f" of {number(total)} {in_unit}")]
    return [*pieces, ("plain", f" {in_unit}, all words together {number(explanation.score)}")]


def _aim_pieces(explanation: Explanation) -> list[Piece]:
    target = explanation.target
    against: list[Piece] = []
    if target.against is not None:
        against = [("plain", RATHER_THAN), ("tag", " ".join(target.against))]
    return [("tag", " ".join(target.tags)), *against, ("plain", " on "), ("word", target.text)]


def reference(explanation: Explanation) -> str:
    """The reference by name, and what it does to the sentence."""
    kind, positions = explanation.reference.kind, explanation.reference.positions
    special = " and ".join(dict.fromkeys(word.text for word in explanation.words if word.special))
    replaced = f"every sub-token{f' but {special}' if special else ''} becomes"
    if kind == "zero":
        effect = "the embedding block's output is 0"
    elif explanation.sampling is not None:
        effect = f"{replaced} that of a real sentence at its place, in the mean over {explanation.sampling.references}"
    else:
        effect = f"{replaced} {explanation.reference.token or f'[{kind.upper()}]'}"
    sentence = f"{kind}: {effect}"
    placed = explanation.components is not None and explanation.components.position is not None
    return f"{sentence}; on the component path {_POSITIONS[positions]}" if placed else sentence


def sampling(explanation: Explanation) -> str | None:
    """What averaging over references leaves uncertain; None where there is one."""
    sample, share = explanation.sampling, explanation.sampling_error
    if sample is None or share is None:
        return None
    number = number_formats.signed([explanation.at_reference], digits=3)
    return (
        f"Over {sample.references} references, standard errors of words add up to {100 * share:.0f} % of the sum of "
        f"|attribution|; F(reference) is {number(explanation.at_reference)} +/- {sample.reference_error:.2g}. More "
        "sentences lower both: four times as many, by half."
    )


def notes(explanation: Explanation) -> list[str]:
    """What a reader must know beside the numbers: which part of a long text this is, how the model was loaded."""
    sentences = []
    window = explanation.window
    if window is not None:
        sentences.append(
            f"Words {window.first} to {window.last} of {window.count} are explained, and counted from @1 here: "
            "the text is longer than the model reads."
        )
    words = [word.text for word in explanation.words if not word.special]
    unsplit = unsplit_words(words, SEVERAL)
    if unsplit:
        sentences.append(
            f'"{unsplit[0]}" holds several characters of a script without spaces, and may be several words: split it '
            "with blanks first."
        )
    run = explanation.run
    if run.loaded_dtype is not None:
        sentences.append(
            f"Computed in {run.dtype}: rounding of {run.loaded_dtype}, in which the model was loaded, kept the "
            "integration from its tolerance."
        )
    return [*sentences, *explanation.model.notices]


def absent(explanation: Explanation) -> list[tuple[str, str]]:
    """Each part that an explanation lacks, and why."""
    rows = []
    for part, why in explanation.absent.items():
        name = part.removeprefix("components.").replace("_", "-")
        rows.append((name if name == part else f"{name} table", why))
    return rows


def unit(explanation: Explanation) -> str:
    """The unit of every attribution, to be put after a number."""
    method = explanation.method
    return output_unit(explanation) + (" per unit of embedding" if method is not None and not method.signed else "")


def output_unit(explanation: Explanation) -> str:
    """The unit of F, to be put after a number."""
    return _UNITS[explanation.target.output]
