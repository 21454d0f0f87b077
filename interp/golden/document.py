"""A golden: what an explanation was when a person accepted it, as a file that reads well in a review.

Format `interp.golden/1`. One line per word, layer and fact. The `header` says where the numbers come from; it is
shown, never compared. `ranking` and `sums` are for the reader, and follow from the other numbers.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interp.errors import FormatError, bare, counted, first_line, quoted
from interp.explanation import Explanation, ModelInfo, Values, distinct_names
from interp.project.strict_json import parse_document

__all__ = ["FORMAT", "GOLDEN_SUFFIX", "MIGRATIONS", "Golden", "dumps", "golden_of", "loads", "migrate_text", "scale"]

NAME, VERSION = "interp.golden", 1
FORMAT = f"{NAME}/{VERSION}"
GOLDEN_SUFFIX = ".golden.json"

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From each old format version to the next one; version 1 is the first."""

FLOOR = 1e-3
"""A list of next to nothing is held to this part of the words' Σ|attribution|: below it is rounding."""

QUARTILES = ("min", "q1", "median", "q3", "max")


@dataclass(frozen=True, kw_only=True)
class Golden:
    """What is pinned of one explanation. Lists of numbers have one value per word, special tokens included."""

    header: Mapping[str, Any]
    """Where the numbers come from: model, device, versions, tolerances. Shown, never compared."""
    question: Mapping[str, Any]
    """Text, target, tag and the other options of the question, compared as it is."""
    words: tuple[str, ...]
    special: tuple[bool, ...]
    """Which words are special tokens."""
    tags: tuple[str, ...]
    """What the model says of the target."""
    probability: Values
    """Of the tag that was explained, per word of the target."""
    groups: Mapping[str, Values]
    """Every list of numbers by name: "attribution", a table ("word", "position", "token_type"), "layer 1" …, and of the
    zoomed word five quartiles per row ("zoom embedding", "zoom 1" …)."""

    def __repr__(self) -> str:
        tags, words = bare(" ".join(self.tags)), quoted(" ".join(self.words))
        return f"<Golden of {tags} in {words}: {counted(len(self.groups), 'list')} of numbers>"

    @property
    def attributions(self) -> Values:
        return self.groups["attribution"]

    @property
    def names(self) -> list[str]:
        """Words told apart, as in `Rob#2`."""
        return distinct_names(self.words)

    @property
    def ranked(self) -> list[int]:
        """Indices of words that are not special tokens, the one that speaks most for the tag first."""
        plain = (index for index, special in enumerate(self.special) if not special)
        return sorted(plain, key=lambda index: -self.attributions[index])

    @property
    def sha256(self) -> str:
        return str(self.header["model"]["sha256"])

    @property
    def former_sha256(self) -> str:
        """Of the weights alone; empty where an earlier release accepted it."""
        return str(self.header["model"].get("former_sha256", ""))

    @property
    def tolerance(self) -> float:
        return float(self.header["tolerance"])

    @property
    def integration_tolerance(self) -> float:
        return float(self.header["integration"]["tolerance"])

    def label(self, group: str, place: int) -> str:
        """What one number of a group is of: a word, or a quartile."""
        return QUARTILES[place] if group.startswith("zoom") else self.names[place]


def scale(values: Values, attributions: Values) -> float:
    """What a tolerance is a part of: Σ|value| of the list, as in the integration's own error estimate."""
    return max(math.fsum(map(abs, values)), FLOOR * math.fsum(map(abs, attributions)))


def golden_of(explanation: Explanation, tolerance: float) -> Golden:
    """The golden of an explanation, to be held to `tolerance`: rounded to one digit more than that needs.

    Raises FormatError when the explanation holds NaN or infinity.
    """
    groups = _number_groups(explanation)
    probabilities = explanation.target.probabilities
    numbers = [*probabilities, *(value for values in groups.values() for value in values)]
    if not all(map(math.isfinite, numbers)):
        raise FormatError(
            "The explanation holds NaN or infinity, which no golden may: look for them in the model's weights."
        )
    attributions = explanation.attributions
    digits = {name: _digits(tolerance * scale(values, attributions)) for name, values in groups.items()}
    return Golden(
        header=_header_of(explanation, tolerance),
        question=_question_of(explanation),
        words=tuple(word.text for word in explanation.words),
        special=tuple(word.special for word in explanation.words),
        tags=explanation.target.predicted,
        probability=_rounded(probabilities, _digits(tolerance)),
        groups={name: _rounded(values, digits[name]) for name, values in groups.items()},
    )


def _number_groups(explanation: Explanation) -> dict[str, Values]:
    """Every list of numbers by its name, as in `Golden.groups`, before rounding."""
    groups: dict[str, Values] = {"attribution": explanation.attributions}
    if explanation.components is not None:
        groups |= explanation.components.present
    layers = explanation.layers
    groups |= {f"layer {number}": layer for number, layer in enumerate(layers, start=1)}
    if explanation.zoom is not None:
        names = ["zoom embedding", *(f"zoom {number}" for number in range(1, len(layers) + 1))]
        groups |= {name: _quartiles(row) for name, row in zip(names, explanation.zoom.rows, strict=True)}
    return groups


def _header_of(explanation: Explanation, tolerance: float) -> dict[str, Any]:
    model, run, path = explanation.model, explanation.run, explanation.integration
    return {
        "model": _model_header(model),
        "device": run.device,
        "dtype": run.dtype,
        "versions": dict(run.versions),
        "tolerance": tolerance,
        "integration": {"tolerance": path.tolerance, "status": path.status.value, "evaluations": path.evaluations},
    }


def _question_of(explanation: Explanation) -> dict[str, Any]:
    target, reference, zoom = explanation.target, explanation.reference, explanation.zoom
    return {
        "text": explanation.text,
        "target": [f"{word} @{index}" for word, index in zip(target.words, target.indices, strict=True)],
        "tag": list(target.tags),
        "against": list(target.against) if target.against else None,
        "output": target.output,
        "reference": reference.kind,
        "positions": reference.positions,
        "zoom": f"{zoom.word} @{zoom.index}" if zoom else None,
    }


def _model_header(model: ModelInfo) -> dict[str, str]:
    former = {"former_sha256": model.former_sha256} if model.former_sha256 else {}
    return {"name": model.name, "sha256": model.sha256, **former}


def dumps(golden: Golden) -> str:
    """The golden as text."""
    groups = golden.groups
    per_word = {name: values for name, values in groups.items() if not name.startswith(("layer", "zoom"))}
    digits = _digits(golden.tolerance * scale(golden.attributions, golden.attributions))
    rows = []
    for index, (text, special) in enumerate(zip(golden.words, golden.special, strict=True)):
        row: dict[str, Any] = {"word": text, **({"special": True} if special else {})}
        rows.append(row | {_column(name): values[index] for name, values in per_word.items()})
    document = {
        "format": FORMAT,
        "header": golden.header,
        "question": golden.question,
        "predicted": {"tag": golden.tags, "probability": golden.probability},
        "ranking": [golden.names[index] for index in golden.ranked],
        "words": rows,
        "sums": {_column(name): round(math.fsum(values), digits) + 0.0 for name, values in per_word.items()},
        "layers": {name: values for name, values in groups.items() if name.startswith("layer")},
        "zoom": {name: values for name, values in groups.items() if name.startswith("zoom")} or None,
    }
    lines = [f"{json.dumps(key)}: {_block(value)}" for key, value in document.items()]
    return "{\n " + ",\n ".join(lines) + "\n}\n"


def loads(text: str, name: str) -> Golden:
    """Read a golden; `name` is for messages. Raises FormatError, which says what is wrong and what to do."""
    document = _parse(text, name)
    version = _version(document, name)
    if version < VERSION:
        raise FormatError(f"{name} has the old format {NAME}/{version}: run `interp golden migrate`.")
    return _decode_golden(document, name)


def migrate_text(text: str, name: str, fingerprints: Mapping[str, str]) -> str | None:
    """The text of an old format, or under a former fingerprint (`fingerprints`: today's by former ones), in today's;
    None where it is today's already. Raises FormatError for others.
    """
    document = _parse(text, name)
    version = _version(document, name)
    golden = _decode_golden(document, name) if version == VERSION else None
    if golden is not None:
        if golden.sha256 not in fingerprints:
            return None
        model = golden.header["model"] | {"sha256": fingerprints[golden.sha256], "former_sha256": golden.sha256}
        return dumps(replace(golden, header={**golden.header, "model": model}))
    while version < VERSION:
        if version not in MIGRATIONS:
            raise FormatError(f"{name} has the format {NAME}/{version}, which nothing can migrate: accept it anew.")
        document = MIGRATIONS[version](document)
        version += 1
    return dumps(_decode_golden(document, name))


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        return parse_document(text)
    except ValueError as error:
        raise FormatError(_damaged(name, str(error))) from error


def _version(document: Mapping[str, Any], name: str) -> int:
    kind, slash, number = str(document.get("format")).partition("/")
    if kind != NAME or not slash or not re.fullmatch(r"\d{1,9}", number):
        raise FormatError(_damaged(name, f"its format is {document.get('format')!r}, not {FORMAT}"))
    if int(number) > VERSION:
        raise FormatError(f"{name} has the format {NAME}/{number} of a newer interp: upgrade interp.")
    return int(number)


def _damaged(name: str, why: str) -> str:
    return f"{name} is damaged ({why}): restore it from version control, or accept it anew with --snapshot-update."


def _decode_golden(document: Mapping[str, Any], name: str) -> Golden:
    try:
        return _golden_from(document)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise FormatError(_damaged(name, first_line(error))) from error


def _golden_from(document: Mapping[str, Any]) -> Golden:
    rows, header, question = document["words"], document["header"], document["question"]
    tables = [column for column in rows[0] if column not in ("word", "special")]
    groups = {_group(column): tuple(float(row[column]) for row in rows) for column in tables}
    groups |= {name: tuple(map(float, values)) for name, values in document["layers"].items()}
    groups |= {name: tuple(map(float, values)) for name, values in (document["zoom"] or {}).items()}
    lengths = {name: len(QUARTILES) if name.startswith("zoom") else len(rows) for name in groups}
    if any(len(values) != lengths[name] for name, values in groups.items()):
        raise ValueError("a list of numbers is shorter or longer than its words")
    golden = Golden(
        header=header,
        question=question,
        words=tuple(str(row["word"]) for row in rows),
        special=tuple(bool(row.get("special")) for row in rows),
        tags=tuple(document["predicted"]["tag"]),
        probability=tuple(map(float, document["predicted"]["probability"])),
        groups=groups,
    )
    _ = golden.sha256, golden.tolerance, golden.integration_tolerance, golden.attributions  # damage is told on reading
    target_lengths = {len(question["target"]), len(question["tag"]), len(golden.tags), len(golden.probability)}
    if len(target_lengths) > 1 or 0 in target_lengths:
        raise ValueError("target, tags and probabilities are not as many")
    if all(golden.special):
        raise ValueError("it has no words")
    return golden


def _column(group: str) -> str:
    """In a row of words, the word table is not to be taken for the word."""
    return group if group == "attribution" else f"{group} table"


def _group(column: str) -> str:
    return column.removesuffix(" table")


def _rounded(values: Sequence[float], digits: int) -> Values:
    """Python's own floats, whatever they were, without a negative zero."""
    return tuple(round(float(value), digits) + 0.0 for value in values)


def _digits(allowed: float) -> int:
    """Decimals that tell a tenth of what is allowed; the rounding itself then moves a number by at most a twentieth."""
    return max(math.ceil(-math.log10(allowed)) + 1, 0) if allowed else 6


def _block(value: Any) -> str:
    """One line per item of a list or object."""

    def line(item: Any) -> str:
        return json.dumps(item, ensure_ascii=False, allow_nan=False)

    if isinstance(value, Mapping):
        return "{\n  " + ",\n  ".join(f"{line(key)}: {line(item)}" for key, item in value.items()) + "\n }"
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return "[\n  " + ",\n  ".join(map(line, value)) + "\n ]"
    return line(value)


def _quartiles(values: Sequence[float]) -> Values:
    from statistics import quantiles

    if len(values) < 2:
        return tuple(values) * len(QUARTILES)
    return (min(values), *quantiles(values, n=4, method="inclusive"), max(values))
