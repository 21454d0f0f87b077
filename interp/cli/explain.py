"""`interp explain`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from interp.cli.console import progress, say
from interp.cli.explain_options import (
    AttributionOptions,
    MachineOptions,
    QuestionOptions,
    ReadingOptions,
    check_together,
)
from interp.cli.explain_outputs import OutputOptions
from interp.cli.flags import with_options
from interp.errors import InputError
from interp.question import INTEGRATED_GRADIENTS, MethodName

if TYPE_CHECKING:
    from interp.explain import Model, PreparedQuestion
    from interp.explanation import Explanation

__all__ = ["explain"]

ARTICLE_TEXT, ARTICLE_TARGET = "Soccer - Steve Tiger gets a lucky win , Rob in surprise defeat", "Rob"
STANDARD_INPUT = "-"
"""In place of a file name."""
NOT_REACHED = 3


@click.command()
@click.argument("text", required=False)
@click.option("--file", "file", type=click.Path(), help="Sentences, one a line; - reads standard input.")
@click.option("--model", default="open", show_default=True, help="Bundled name, directory, or hub id (owner/name).")
@with_options(
    question=QuestionOptions,
    attribution=AttributionOptions,
    machine=MachineOptions,
    reading=ReadingOptions,
    outputs=OutputOptions,
)
def explain(
    *,
    text: str | None,
    file: str | None,
    model: str,
    question: QuestionOptions,
    attribution: AttributionOptions,
    machine: MachineOptions,
    reading: ReadingOptions,
    outputs: OutputOptions,
) -> None:
    """Explain why words of TEXT got their tags: word by word, by embedding table, and through the layers.

    Without TEXT, the sentence of the article that this tool grew from. Integration stops when its estimated error
    is within the tolerance in every layer; where that is not reached the results say so, and the exit status is 3
    (0 where all that misses it is next to nothing).
    """
    outputs.check()
    check_together(question, attribution, outputs.view)
    if text is None and file is None:
        text, question = ARTICLE_TEXT, replace(question, target=question.target or ARTICLE_TARGET)
    sentences = _read_sentences(text, file)
    question.check_target()
    attribution.check_effort()

    loaded = machine.load(model)
    prepared = _prepare(loaded, sentences, question, reading)
    outputs.check_count(len(prepared))
    if attribution.compare_methods:
        explanations = _compare_methods(loaded, prepared, attribution, machine.memory)
    else:
        explanations = _explain(loaded, prepared, attribution, machine.memory)
    outputs.write(explanations, loaded.info)
    missed = [explanation for explanation in explanations if not explanation.completeness.settled]
    if missed:
        say(_describe_missed(missed, len(explanations)))
        sys.exit(NOT_REACHED)


def _read_sentences(text: str | None, file: str | None) -> list[tuple[str, str]]:
    """Each sentence with what to call it in a message."""
    if text is not None and file is not None:
        raise InputError("Give a TEXT or a --file, not both.")
    if file is not None:
        return _read_lines(file)
    if not (text or "").strip():
        raise InputError("The text is empty: give a sentence with at least one word.")
    return [("", str(text))]


def _read_lines(file: str) -> list[tuple[str, str]]:
    """Each line that is not blank with its place. Raises InputError for what cannot be read, or holds none."""
    name = "standard input" if file == STANDARD_INPUT else file
    try:
        content = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
        lines = content.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except OSError as error:
        raise InputError(f"Cannot read {name}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 (byte {error.start}): convert it first.") from error
    sentences = [(f"{name}, line {number}: ", line) for number, line in enumerate(lines, 1) if line.strip()]
    if not sentences:
        raise InputError(f"{name} holds no sentence.")
    return sentences


def _prepare(
    model: Model, sentences: Sequence[tuple[str, str]], question: QuestionOptions, reading: ReadingOptions
) -> list[PreparedQuestion]:
    """A question per sentence, target and reference; all are resolved before the first is computed."""
    prepared: list[PreparedQuestion] = []
    empty = 0
    for place, text in sentences:
        try:
            questions = question.ask(text, reading)
            resolved = model.prepare_entities(questions) if question.target is None else model.prepare(questions)
        except InputError as error:
            raise InputError(f"{place}{error}") from error
        prepared += resolved
        empty += not resolved
    if empty:
        say(f"{empty} of {len(sentences)} sentences hold no entity that the model finds: name a word with --target.")
    return prepared


def _explain(
    model: Model, questions: Sequence[PreparedQuestion], attribution: AttributionOptions, memory: str | None
) -> list[Explanation]:
    """Every question by one method; the bar moves by questions."""
    method = attribution.method
    label = "integrating" if method == INTEGRATED_GRADIENTS else "attributing"
    with progress(len(questions), label) as report_progress:
        explanations = model.explain_many(
            questions, method=method, memory=memory, progress=report_progress, **attribution.effort
        )
        return list(explanations)


def _compare_methods(
    model: Model, questions: Sequence[PreparedQuestion], attribution: AttributionOptions, memory: str | None
) -> list[Explanation]:
    """Every question by every method; the bar moves by methods."""
    methods = len(get_args(MethodName))
    explanations: list[Explanation] = []
    with progress(len(questions) * methods, "attributing") as report_progress:
        for number, question in enumerate(questions):

            def count_methods(count: float, before: int = number * methods) -> None:
                report_progress(before + count)

            explanations += model.compare_methods(question, memory=memory, progress=count_methods, **attribution.effort)
    return explanations


def _describe_missed(missed: Sequence[Explanation], count: int) -> str:
    """How many explanations did not reach the tolerance, and what to do."""
    paths = [path for explanation in missed for path in explanation.completeness.paths.values()]
    statuses = dict.fromkeys(path.status for path in paths)
    remedies = " ".join(status.message for status in statuses if not status.settled)
    which = "The explanation" if count == 1 else f"{len(missed)} of {count} explanations"
    return f"{which} did not reach the tolerance. {remedies}"
