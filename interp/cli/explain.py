"""`interp explain`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from click.core import ParameterSource

from interp.cli.console import progress, say
from interp.engine.options import DEFAULT_MAX_EVALUATIONS, DEFAULT_TOLERANCE, SweepOptions
from interp.errors import InputError, OutputError
from interp.explanation import View
from interp.question import INTEGRATED_GRADIENTS, MethodName, Output, Part, Positions, Question, ReferenceKind

if TYPE_CHECKING:
    from interp.explain import Model, PreparedQuestion
    from interp.explanation import Explanation, ModelInfo

__all__ = ["explain"]

ARTICLE = ("Soccer - Steve Tiger gets a lucky win , Rob in surprise defeat", "Rob")
NOT_REACHED = 3


@click.command()
@click.argument("text", required=False)
@click.option("--file", "file", type=click.Path(), help="Sentences, one a line; - reads standard input.")
@click.option("--model", default="open", show_default=True, help="Bundled name, directory, or hub id (owner/name).")
@click.option("--target", help='Word, "Rob#2", @10, or consecutive words. Default: every entity found.')
@click.option("--tag", help="Tag to explain: one, or one per target word. Default: the predicted one.")
@click.option("--against", help="Explain the tag rather than this one, such as O.")
@click.option("--true-tag", help="The right tag, shown beside.")
@click.option(
    "--output",
    type=click.Choice(get_args(Output)),
    default="logit",
    show_default=True,
    help="What is attributed. centred-logit: minus the mean of the logits, which softmax cannot shift.",
)
@click.option("--zoom", metavar="WORD", help="Also every hidden dimension of this word, in every layer.")
@click.option(
    "--reference",
    "references",
    type=click.Choice(get_args(ReferenceKind)),
    multiple=True,
    default=["pad"],
    help="What attributions are measured from: every sub-token becomes [PAD], [MASK] or [UNK], or the embedding "
    "output 0. Given twice, both answers and how far they agree.  [default: pad]",
)
@click.option(
    "--positions",
    type=click.Choice(get_args(Positions)),
    default="zero",
    show_default=True,
    help="Positions of the reference, when embeddings are split: the first, or the input's.",
)
@click.option(
    "--without",
    type=click.Choice(get_args(Part)),
    multiple=True,
    help="Leave this out; without components it is several times faster.",
)
@click.option(
    "--method",
    type=click.Choice(get_args(MethodName)),
    default=INTEGRATED_GRADIENTS,
    show_default=True,
    help="Another one gives the words alone, by Captum: a second opinion.",
)
@click.option("--compare-methods", is_flag=True, help="The words by every method, side by side.")
@click.option("--samples", type=int, help="Of a method that draws at random; each has its own default.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of its draws.")
@click.option("--tolerance", type=float, default=DEFAULT_TOLERANCE, show_default=True, help="Of the integration error.")
@click.option(
    "--max-evaluations",
    type=int,
    default=DEFAULT_MAX_EVALUATIONS,
    show_default=True,
    help="Per path, forward and backward.",
)
@click.option(
    "--memory",
    metavar="SIZE",
    help="To work in, such as 2GiB.  [default: 4GiB, at most half of what is free]",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--dtype", default="float32", show_default=True, help="float32, float64, bfloat16 or float16.")
@click.option("--threads", type=click.IntRange(1), help="Of the CPU.")
@click.option(
    "--window", is_flag=True, help="Of a text longer than the model reads, explain the part around the target."
)
@click.option("--pretokenized", is_flag=True, help="Words are split at white space only.")
@click.option("--json", "json_file", metavar="FILE", help="Write the document; - to standard output, alone.")
@click.option("--html", "html_file", metavar="FILE", help="Write one self-contained page.")
@click.option("--figure", "figure_file", metavar="FILE", help="Draw one view as .png, .svg or .pdf.")
@click.option(
    "--view",
    type=click.Choice(get_args(View)),
    default="layers",
    show_default=True,
    help="Which view --figure draws.",
)
def explain(
    text: str | None,
    file: str | None,
    model: str,
    target: str | None,
    references: Sequence[ReferenceKind],
    device: str,
    dtype: str,
    threads: int | None,
    json_file: str | None,
    html_file: str | None,
    figure_file: str | None,
    view: View,
    method: MethodName,
    compare_methods: bool,
    samples: int | None,
    seed: int,
    tolerance: float,
    max_evaluations: int,
    memory: str | None,
    **question: Any,
) -> None:
    """Explain why words of TEXT got their tags: word by word, by embedding table, and through the layers.

    Without TEXT, the sentence of the article that this tool grew from. Integration stops when its estimated error
    is within the tolerance in every layer; where that is not reached the results say so, and the exit status is 3.
    """
    outputs = _Outputs(json_file, html_file, figure_file, view)
    outputs.check()
    _check_view(outputs.view, question["zoom"], question["without"])
    if compare_methods:
        _check_comparison(method, question["zoom"], outputs.view)
    else:
        _check_method(method, question["zoom"], outputs.view)
    if text is None and file is None:
        text, target = ARTICLE[0], target or ARTICLE[1]
    sentences = _read_sentences(text, file)
    if target is None and (question["tag"] or question["against"] or question["true_tag"]):
        raise InputError("--tag, --against and --true-tag speak of one target: name it with --target.")
    SweepOptions(tolerance=tolerance, max_evaluations=max_evaluations)  # checked before a model is loaded

    from interp.explain import load

    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    loaded = load(model, device=device, dtype=dtype)
    prepared = _prepare(loaded, sentences, target=target, references=list(dict.fromkeys(references)), question=question)
    _check_count(len(prepared), outputs)
    effort: dict[str, Any] = {
        "samples": samples,
        "seed": seed,
        "tolerance": tolerance,
        "max_evaluations": max_evaluations,
        "memory": memory,
    }
    if compare_methods:
        explanations = _compare_methods(loaded, prepared, **effort)
    else:
        label = "integrating" if method == INTEGRATED_GRADIENTS else "attributing"
        with progress(len(prepared), label) as report_progress:
            explanations = list(loaded.explain_many(prepared, method=method, progress=report_progress, **effort))
    outputs.write(explanations, loaded.info)
    missed = [explanation for explanation in explanations if not explanation.completeness.converged]
    if missed:
        say(_describe_missed(missed, len(explanations)))
        sys.exit(NOT_REACHED)


@dataclass(frozen=True)
class _Outputs:
    """The files that are asked for, and what the figure shows."""

    json_file: str | None
    html_file: str | None
    figure_file: str | None
    figure_view: View

    @property
    def view(self) -> View | None:
        """What is drawn, if anything is."""
        return self.figure_view if self.figure_file is not None else None

    def check(self) -> None:
        """Raise OutputError for what cannot be written, before anything is computed."""
        from interp.project.files import check_writable

        if self.figure_file is not None and Path(self.figure_file).suffix.lower() not in (".png", ".svg", ".pdf"):
            raise OutputError(f"Cannot draw {self.figure_file}: a figure is a .png, .svg or .pdf file.")
        if "-" in (self.html_file, self.figure_file):
            raise OutputError("Only --json writes to standard output: give the page or figure a file name.")
        paths = [path for path in (self.json_file, self.html_file, self.figure_file) if path not in (None, "-")]
        if len({Path(str(path)).resolve() for path in paths}) < len(paths):
            raise OutputError("Two outputs go to the same file: give each its own.")
        for path in paths:
            check_writable(str(path))

    def write(self, explanations: Sequence[Explanation], model: ModelInfo) -> None:
        """Everything is rendered before the first file is replaced."""
        from interp.explanation.document import dumps
        from interp.project.files import write

        document = dumps(explanations, model) if self.json_file else ""
        page = self._render_page(explanations)
        if self.figure_file is not None:
            from interp.report.figures.save import save_figure

            save_figure(explanations[0], self.figure_view, self.figure_file)
        if self.html_file is not None:
            write(self.html_file, page)
        if self.json_file == "-":
            click.echo(document, nl=False)
            return
        if self.json_file is not None:
            write(self.json_file, document)
        from rich.console import Console

        from interp.report.terminal.explanation import show_explanations

        show_explanations(explanations, Console(highlight=False))

    def _render_page(self, explanations: Sequence[Explanation]) -> str:
        if self.html_file is None:
            return ""
        from interp.report.html.pages import explanations_page

        return explanations_page(explanations)


def _check_view(view: View | None, zoom: str | None, without: Sequence[Part]) -> None:
    """Raise InputError for a view of a part that is not asked for."""
    if view in ("zoom", "density") and zoom is None:
        raise InputError(f"The {view} view needs a word: name it with --zoom.")
    if view in without:
        raise InputError(f"The {view} view cannot be drawn without {view}: drop --without, or choose another --view.")


def _check_comparison(method: MethodName, zoom: str | None, view: View | None) -> None:
    """Raise InputError for what has no meaning where methods are compared."""
    if method != INTEGRATED_GRADIENTS:
        raise InputError("--compare-methods runs every method: drop --method.")
    if view is not None:
        raise InputError("A figure shows one explanation, not one by every method: drop --compare-methods or --figure.")
    _check_words_alone("the comparison of methods", zoom, view)


def _check_method(method: MethodName, zoom: str | None, view: View | None) -> None:
    """Raise InputError for what has no meaning with this method."""
    context = click.get_current_context()
    integrates = method == INTEGRATED_GRADIENTS
    for name in ("samples", "seed") if integrates else ("tolerance", "max_evaluations"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = "--" + name.replace("_", "-")
            raise InputError(f"{method} takes no {option}: drop it, or choose another --method.")
    if not integrates:
        _check_words_alone(method, zoom, view)


def _check_words_alone(what: str, zoom: str | None, view: View | None) -> None:
    """Raise InputError for parts that `what` does not give."""
    if zoom is not None:
        raise InputError(f"A zoom shows a word in every layer, and {what} gives the words alone: drop --zoom.")
    if view not in (None, "words"):
        raise InputError(f"The {view} view cannot be drawn, as {what} gives the words alone: choose --view words.")


def _check_count(count: int, outputs: _Outputs) -> None:
    """Raise InputError where what is asked for does not fit how many explanations there will be."""
    if not count and (outputs.html_file or outputs.figure_file):
        raise InputError("The model finds no entity, so there is nothing to draw: name a word with --target.")
    if outputs.figure_file is not None and count > 1:
        raise InputError(f"A figure shows one explanation, not {count}: name one --target and one --reference.")


def _compare_methods(model: Model, questions: Sequence[PreparedQuestion], **effort: Any) -> list[Explanation]:
    """Every question by every method; the bar moves by methods."""
    methods = len(get_args(MethodName))
    explanations: list[Explanation] = []
    with progress(len(questions) * methods, "attributing") as report_progress:
        for number, question in enumerate(questions):

            def count_methods(count: float, before: int = number * methods) -> None:
                report_progress(before + count)

            explanations += model.compare_methods(question, progress=count_methods, **effort)
    return explanations


def _read_sentences(text: str | None, file: str | None) -> list[tuple[str, str]]:
    """Each sentence with what to call it in a message."""
    if text is not None and file is not None:
        raise InputError("Give a TEXT or a --file, not both.")
    if file is None:
        if not (text or "").strip():
            raise InputError("The text is empty: give a sentence with at least one word.")
        return [("", str(text))]
    name = "standard input" if file == "-" else file
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        lines = data.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except OSError as error:
        raise InputError(f"Cannot read {name}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 (byte {error.start}): convert it first.") from error
    sentences = [(f"{name}, line {number}: ", line) for number, line in enumerate(lines, 1) if line.strip()]
    if not sentences:
        raise InputError(f"{name} holds no sentence.")
    return sentences


def _prepare(
    model: Model,
    sentences: Sequence[tuple[str, str]],
    *,
    target: str | None,
    references: Sequence[ReferenceKind],
    question: Any,
) -> list[PreparedQuestion]:
    """A question per sentence, target and reference; all are resolved before the first is computed."""
    prepared: list[PreparedQuestion] = []
    empty = 0
    for where, text in sentences:
        try:
            if target is None:
                templates = [Question(text, 1, reference=reference, **question) for reference in references]
                resolved = model.prepare_entities(templates)
            else:
                questions = [Question(text, target, reference=reference, **question) for reference in references]
                resolved = model.prepare(questions)
        except InputError as error:
            raise InputError(f"{where}{error}") from error
        prepared += resolved
        empty += not resolved
    if empty:
        say(f"{empty} of {len(sentences)} sentences hold no entity that the model finds: name a word with --target.")
    return prepared


def _describe_missed(missed: Sequence[Explanation], count: int) -> str:
    """How many explanations did not reach the tolerance, and what to do."""
    paths = [path for explanation in missed for path in explanation.completeness.paths.values()]
    statuses = dict.fromkeys(path.status for path in paths)
    remedies = " ".join(status.message for status in statuses if status.value != "converged")
    which = "The explanation" if count == 1 else f"{len(missed)} of {count} explanations"
    return f"{which} did not reach the tolerance. {remedies}"
