"""What the templates show: rows with the formats, bars and figures that belong to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from interp.explanation import Explanation
from interp.golden import Comparison
from interp.report import compared, facts, methods, number_formats
from interp.report.failures import Failure
from interp.report.figures.draw import INK
from interp.report.figures.save import svg

__all__ = ["comparison", "failed", "methods_compared", "section", "typographic"]

_MOST_CHANGES = 20


def section(number: int, shown: Explanation) -> dict[str, Any]:
    """What the template shows of one explanation."""
    rows = facts.word_rows(shown)
    return {
        "id": f"e{number}",
        "shown": shown,
        "headline": facts.headline(shown),
        "aim": facts.aim(shown),
        "reference": facts.reference(shown),
        "faithfulness": _typeset(facts.faithfulness(shown) or ""),
        "notes": facts.notes(shown),
        "absent": facts.absent(shown),
        "unit": facts.unit(shown),
        "signed": shown.method is None or shown.method.signed,
        "drawn": any(row.error is not None for row in rows),
        "named": methods.name(shown),
        "method": [(head, _fact_text(head, line)) for head, line in methods.method_facts(shown)],
        "rows": rows,
        "truth": any(row.true for row in rows),
        "number": number_formats.unsigned(number_format(row.value for row in rows), shown),
        "norm": number_formats.unsigned(typographic(number_formats.signed([1.0], digits=3)), shown),
        "bar": bars(shown.attributions),
        "total": shown.at_input - shown.at_reference,
        "tables": _component_tables(shown),
        "heat": _layer_map(shown),
        "figures": dict(_figures(number, shown)),
        "paths": facts.path_rows(shown),
        "layers_note": facts.LAYERS_NOTE,
        "integration_note": facts.INTEGRATION_NOTE,
        "sampling": _typeset(facts.sampling(shown) or ""),
    }


def _typeset(sentence: str) -> str:
    """With a real minus before numbers, and a real sign of an error."""
    return re.sub(r"(?<=[ (])-(?=\d)", "−", sentence).replace("+/-", "±")


def _fact_text(head: str, line: str) -> str:
    """Only the sum is all numbers, in which every hyphen is a minus."""
    return line.replace("+/-", "±").replace("-", "−") if head == "sum" else line


def _component_tables(shown: Explanation) -> dict[str, dict[str, Any]]:
    """Sorted component tables; those of zeros have no rows."""
    tables = facts.component_rows(shown)
    number = number_format(row.value for rows in tables.values() for row in rows)
    return {
        name: {
            "rows": rows if any(row.value for row in rows) else [],
            "number": number,
            "bar": bars([row.value for row in rows]),
            "sum": number(sum(row.value for row in rows)),
        }
        for name, rows in tables.items()
    }


def methods_compared(same: Sequence[Explanation]) -> dict[str, Any]:
    """What the template shows of one question by several methods."""
    opinions = methods.opinions(same)
    sums = [opinion.sum for opinion in opinions if opinion.residual is not None]
    return {
        "first": same[0],
        "opinions": opinions,
        "ranks": range(max(len(opinion.top) for opinion in opinions)),
        "number": number_format(sums),
        "per_cent": number_formats.per_cent,
        "refused": methods.refusals(same),
        "unit": facts.output_unit(same[0]),
    }


def bars(values: Sequence[float]) -> Callable[[float], str]:
    """Where a value's bar lies in its column: all share one scale and one zero."""
    low, high = min([0.0, *values]), max([0.0, *values])
    span = (high - low) or 1.0

    def style(value: float) -> str:
        zero, start, size = -low / span, (min(value, 0.0) - low) / span, abs(value) / span
        return f"--zero:{zero:.2%};--from:{start:.2%};--size:{size:.2%}"

    return style


def failed(failure: Failure, shown: Explanation) -> dict[str, Any]:
    """What the template shows of one failed check."""
    rows = facts.word_rows(shown)
    notes = failure.verdict.notes
    return {
        "check": failure.check,
        "verdict": failure.verdict,
        "accept": failure.accept.splitlines(),
        "notes": [(row, notes[row.index]) for row in rows if row.index in notes],
        "number": number_format(row.value for row in rows),
    }


def comparison(name: str, number: int, done: Comparison, *, said_before: Sequence[str] = ()) -> dict[str, Any]:
    """What the template shows of a golden and what it was held against; not again what was said before."""
    agrees = done.passed and not done.beyond
    rows = [] if agrees else compared.lines(done)
    changes = () if agrees else done.changes[:_MOST_CHANGES]
    values = [value for row in rows for value in (row.value, row.old or 0.0)]
    return {
        "id": f"g{number}",
        "name": name,
        "done": done,
        "aim": compared.aim(done.new),
        "output": done.new.question.get("output"),
        "failures": [failure for failure in done.failures if not any(failure in sentence for sentence in said_before)],
        "turned": compared.turned(done),
        "tags": compared.tags(done),
        "leaders": compared.leaders(done),
        "headers": compared.header_rows(done),
        "tolerance": compared.one_tolerance(done),
        "agrees": agrees,
        "changes": [(change, *compared.numbers(change)) for change in changes],
        "rows": rows,
        "number": number_format(values),
        "bar": bars(values),
        "map": _moved_layers(done) if rows else None,
    }


def _moved_layers(done: Comparison) -> Mapping[str, Any] | None:
    """Layers × words, now minus golden; only what moved beyond the tolerance has a colour."""
    groups = [group for group in done.old.groups if group.startswith("layer") and group in done.new.groups]
    layers = []
    for group in groups:
        before, after = done.old.groups[group], done.new.groups[group]
        layers.append(list(zip(before, after, compared.moves(done, group), strict=True)))
    beyond = [new - old for layer in layers for old, new, moved in layer if not moved <= 1]
    if not beyond:
        return None
    top = number_formats.largest(beyond)
    return {
        "layers": layers,
        "top": top,
        "short": typographic(number_formats.signed(beyond, digits=3 if top >= 10 else 2)),
        "exact": number_format(value for layer in layers for old, new, _ in layer for value in (old, new)),
    }


def _layer_map(shown: Explanation) -> Mapping[str, Any]:
    """Layers × words: the largest value, and two formats: short in the cell, exact on hover."""
    top = max(map(number_formats.largest, shown.layers), default=0.0)
    values = [value for layer in shown.layers for value in layer]
    return {
        "top": top or 1.0,
        "short": typographic(number_formats.signed(values, digits=3 if top >= 10 else 2)),
        "exact": typographic(number_formats.signed(values, digits=5)),
        "sum": number_format(map(sum, shown.layers)),
    }


def _figures(number: int, shown: Explanation) -> Iterator[tuple[str, Markup]]:
    """Zoom and density as inline SVG in the page's text colour; their ids stay apart from other figures'."""
    if shown.zoom is None:
        return
    for view in ("zoom", "density"):
        drawn = svg(shown, view).replace(INK, "currentColor")
        drawn = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", drawn, flags=re.DOTALL)
        drawn = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>e{number}-{view}-", drawn)
        yield view, Markup(drawn)


def number_format(values: Any) -> Callable[[float], str]:
    return typographic(number_formats.signed(values))


def typographic(number: Callable[[float], str]) -> Callable[[float], str]:
    """The same with a minus sign as wide as the plus."""
    return lambda value: number(value).replace("-", "−")
