"""`interp explain`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import click

from interp.cli.console import say
from interp.cli.explain_options import (
    AttributionOptions,
    MachineOptions,
    QuestionOptions,
    ReadingOptions,
    check_together,
)
from interp.cli.explain_outputs import OutputOptions
from interp.cli.flags import with_options
from interp.cli.load_model import check_models
from interp.cli.progress import phase
from interp.cli.project import open_project
from interp.cli.read_texts import read_texts
from interp.cli.streams import read_standard_input
from interp.errors import InputError
from interp.project.files import decode_text, read_text
from interp.project.paths import checked_path
from interp.question import INTEGRATED_GRADIENTS, MethodName

if TYPE_CHECKING:
    from interp.explain import Model, PreparedQuestion
    from interp.explanation import Explanation
    from interp.question import Question

__all__ = ["explain"]

ARTICLE_TEXT, ARTICLE_TARGET = "Soccer - Steve Tiger gets a lucky win , Rob in surprise defeat", "Rob"
STANDARD_INPUT = "-"
"""In place of a file name."""
NOT_REACHED = 3
REFERENCES = 16
"""Sentences that --reference text draws: the standard error is a quarter of how far single ones are spread."""


@click.command()
@click.argument("text", required=False)
@click.option("--file", "file", help="Sentences, one a line.")
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

    TEXT is one sentence, or - for standard input, with a sentence a line; without it, the sentence of the article that
    this tool grew from. Integration stops when its estimated error is within the tolerance in every layer; where that
    is not reached the results say so, and the exit status is 3 (0 where all that misses it is next to nothing).
    """
    outputs.check()
    check_together(question, attribution, outputs.view)
    if text is None and file is None:
        text, question = ARTICLE_TEXT, replace(question, target=question.target or ARTICLE_TARGET)
    question.check_target()
    attribution.check_effort()
    check_models([model], machine.device)
    question.check_references()
    reference_texts = _read_reference_texts(question.reference_file, attribution)
    questions = _ask(_read_sentences(text, file), question, reading, reference_texts)

    loaded = machine.load(model)
    prepared = _prepare(loaded, questions, finds_entities=question.target is None)
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
    if STANDARD_INPUT in (text, file):
        name = "standard input"
        return _split_lines(decode_text(read_standard_input(), name), name)
    if file is not None:
        return _split_lines(read_text(checked_path(file), file), file)
    if not (text or "").strip():
        raise InputError("The text is empty: give a sentence with at least one word.")
    return [("", str(text))]


def _split_lines(content: str, name: str) -> list[tuple[str, str]]:
    """Each line that is not blank with its place. Raises InputError where there is none."""
    lines = content.replace("\r\n", "\n").split("\n")
    sentences = [(f"{name}, line {number}: ", line) for number, line in enumerate(lines, 1) if line.strip()]
    if not sentences:
        raise InputError(f"{name} holds no sentence.")
    return sentences


def _read_reference_texts(file: str | None, attribution: AttributionOptions) -> list[tuple[str, ...]]:
    """The words of as many sentences as `--samples` says, at random, but none without a file."""
    if file is None:
        return []
    from interp.texts import sample_sentences

    sentences = read_texts([file], open_project()[1], "text", labels=False)
    drawn = sample_sentences(sentences, attribution.samples or REFERENCES, attribution.seed)
    return [sentence.words for sentence in drawn]


def _ask(
    sentences: Sequence[tuple[str, str]],
    question: QuestionOptions,
    reading: ReadingOptions,
    reference_texts: Sequence[Sequence[str]],
) -> list[tuple[str, list[Question]]]:
    """What is asked of each sentence, whose words must be there."""
    by_place = []
    for place, text in sentences:
        with _placed(place):
            questions = question.ask(text, reading, reference_texts)
            questions[0].find_words()
        by_place.append((place, questions))
    return by_place


@contextmanager
def _placed(place: str) -> Iterator[None]:
    """What does not fit is told with the place of the sentence that it is about."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}{error}") from error


def _prepare(
    model: Model, by_place: Sequence[tuple[str, list[Question]]], finds_entities: bool
) -> list[PreparedQuestion]:
    """A question per sentence, target and reference; all are resolved before the first is computed."""
    prepared: list[PreparedQuestion] = []
    empty = 0
    with phase("tagging", len(by_place)) as progress:
        for number, (place, questions) in enumerate(by_place, 1):
            with _placed(place):
                resolved = model.prepare_entities(questions) if finds_entities else model.prepare(questions)
            prepared += resolved
            empty += not resolved
            progress(number)
    if empty:
        which = "The sentence holds" if len(by_place) == 1 else f"{empty} of {len(by_place)} sentences hold"
        say(f"{which} no entity that the model finds: name a word with --target.")
    return prepared


def _explain(
    model: Model, questions: Sequence[PreparedQuestion], attribution: AttributionOptions, memory: str | None
) -> list[Explanation]:
    """Every question by one method; the bar moves by questions."""
    method = attribution.method
    label = "integrating" if method == INTEGRATED_GRADIENTS else "attributing"
    with phase(label, len(questions)) as progress:
        explanations = model.explain_many(
            questions, method=method, memory=memory, progress=progress, **attribution.effort
        )
        return list(explanations)


def _compare_methods(
    model: Model, questions: Sequence[PreparedQuestion], attribution: AttributionOptions, memory: str | None
) -> list[Explanation]:
    """Every question by every method; the bar moves by methods."""
    methods = len(get_args(MethodName))
    explanations: list[Explanation] = []
    with phase("attributing", len(questions) * methods) as progress:
        for number, question in enumerate(questions):

            def count_methods(count: float, before: int = number * methods) -> None:
                progress(before + count)

            explanations += model.compare_methods(question, memory=memory, progress=count_methods, **attribution.effort)
    return explanations


def _describe_missed(missed: Sequence[Explanation], count: int) -> str:
    """How many explanations did not reach the tolerance, and what to do."""
    paths = [path for explanation in missed for path in explanation.completeness.paths.values()]
    statuses = dict.fromkeys(path.status for path in paths)
    remedies = " ".join(status.message for status in statuses if not status.settled)
    which = "The explanation" if count == 1 else f"{len(missed)} of {count} explanations"
    return f"{which} did not reach the tolerance. {remedies}"
