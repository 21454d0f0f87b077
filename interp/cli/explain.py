"""`interp explain`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from interp.cli.console import Progress, progress, say
from interp.engine.options import DEFAULT_MAX_EVALUATIONS, DEFAULT_TOLERANCE
from interp.errors import InputError, OutputError

if TYPE_CHECKING:
    from interp.explain import Model
    from interp.explanation import Explanation, ModelInfo
    from interp.question import Question

__all__ = ["explain"]

ARTICLE = ("Soccer - Steve Tiger gets a lucky win , Rob in surprise defeat", "Rob")
NOT_REACHED = 3
METHODS = (
    "integrated-gradients",
    "saliency",
    "input-x-gradient",
    "deep-lift",
    "gradient-shap",
    "occlusion",
    "shapley",
    "lime",
)


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
    type=click.Choice(["logit", "centred-logit", "log-probability", "probability"]),
    default="logit",
    show_default=True,
    help="What is attributed. centred-logit: minus the mean of the logits, which softmax cannot shift.",
)
@click.option("--zoom", metavar="WORD", help="Also every hidden dimension of this word, in every layer.")
@click.option(
    "--reference",
    "references",
    type=click.Choice(["pad", "mask", "unk", "zero"]),
    multiple=True,
    default=["pad"],
    help="What attributions are measured from: every sub-token becomes [PAD], [MASK] or [UNK], or the embedding "
    "output 0. Given twice, both answers and how far they agree.  [default: pad]",
)
@click.option(
    "--positions",
    type=click.Choice(["zero", "same"]),
    default="zero",
    show_default=True,
    help="Positions of the reference, when embeddings are split: the first, or the input's.",
)
@click.option(
    "--without",
    type=click.Choice(["components", "layers"]),
    multiple=True,
    help="Leave this out; without components it is several times faster.",
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default=METHODS[0],
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
    type=click.Choice(["words", "components", "layers", "zoom", "density"]),
    default="layers",
    show_default=True,
    help="Which view --figure draws.",
)
def explain(
    text: str | None,
    file: str | None,
    model: str,
    target: str | None,
    references: Sequence[str],
    device: str,
    dtype: str,
    threads: int | None,
    json_file: str | None,
    html_file: str | None,
    figure_file: str | None,
    view: str,
    method: str,
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
    _check_outputs(json_file, html_file, figure_file)
    if figure_file and view in ("zoom", "density") and question["zoom"] is None:
        raise InputError(f"The {view} view needs a word: name it with --zoom.")
    if figure_file and view in question["without"]:
        raise InputError(f"The {view} view cannot be drawn without {view}: drop --without, or choose another --view.")
    _check_method(method, compare_methods, question["zoom"], view if figure_file else None)
    if text is None and file is None:
        text, target = ARTICLE[0], target or ARTICLE[1]
    sentences = _sentences(text, file)
    if target is None and (question["tag"] or question["against"] or question["true_tag"]):
        raise InputError("--tag, --against and --true-tag speak of one target: name it with --target.")

    from interp.engine.options import SweepOptions
    from interp.explain import load

    SweepOptions(tolerance=tolerance, max_evaluations=max_evaluations)  # checked before a model is loaded
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    loaded = load(model, device=device, dtype=dtype)
    cases = _cases(loaded, sentences, target=target, references=list(dict.fromkeys(references)), question=question)
    if not cases and (html_file or figure_file):
        raise InputError("The model finds no entity, so there is nothing to draw: name a word with --target.")
    if figure_file is not None and len(cases) > 1:
        raise InputError(f"A figure shows one explanation, not {len(cases)}: name one --target and one --reference.")
    effort: dict[str, Any] = {
        "samples": samples,
        "seed": seed,
        "tolerance": tolerance,
        "max_evaluations": max_evaluations,
        "memory": memory,
    }
    if compare_methods:
        with progress(len(cases) * len(METHODS), "attributing") as told:
            explanations = _compared(loaded, cases, told, **effort)
    else:
        with progress(len(cases), "integrating" if method == METHODS[0] else "attributing") as told:
            explanations = list(loaded.explain_many(cases, method=method, progress=told, **effort))
    _write(explanations, loaded.info, json_file=json_file, html_file=html_file, figure_file=figure_file, view=view)
    if missed := [e for e in explanations if not e.completeness.converged]:
        say(_missed(missed, len(explanations)))
        sys.exit(NOT_REACHED)


def _check_method(method: str, compare: bool, zoom: str | None, view: str | None) -> None:
    """Raise InputError for what has no meaning with other methods than integrated gradients."""
    if compare and method != METHODS[0]:
        raise InputError("--compare-methods runs every method: drop --method.")
    if compare and view is not None:
        raise InputError("A figure shows one explanation, not one by every method: drop --compare-methods or --figure.")
    given = click.get_current_context().get_parameter_source
    of_others, of_ours = ("samples", "seed"), ("tolerance", "max_evaluations")
    for name in () if compare else of_others if method == METHODS[0] else of_ours:
        if given(name) is ParameterSource.COMMANDLINE:
            option = "--" + name.replace("_", "-")
            raise InputError(f"{method} takes no {option}: drop it, or choose another --method.")
    if method == METHODS[0] and not compare:
        return
    which = "the comparison of methods" if compare else method
    if zoom is not None:
        raise InputError(f"A zoom shows a word in every layer, and {which} gives the words alone: drop --zoom.")
    if view not in (None, "words"):
        raise InputError(f"The {view} view cannot be drawn, as {which} gives the words alone: choose --view words.")


def _compared(model: Model, cases: Sequence[Question], told: Progress, **effort: Any) -> list[Explanation]:
    """Every case by every method; the bar moves by methods."""
    found: list[Explanation] = []
    for number, case in enumerate(cases):
        done = number * len(METHODS)  # before this case, for the closure

        def counted(count: float, done: int = done) -> None:
            told(done + count)

        found += model.compare_methods(case, progress=counted, **effort)
    return found


def _check_outputs(json_file: str | None, html_file: str | None, figure_file: str | None) -> None:
    """What cannot be written is told before anything is computed."""
    from interp.project.files import check_writable

    if figure_file is not None and Path(figure_file).suffix.lower() not in (".png", ".svg", ".pdf"):
        raise OutputError(f"Cannot draw {figure_file}: a figure is a .png, .svg or .pdf file.")
    if "-" in (html_file, figure_file):
        raise OutputError("Only --json writes to standard output: give the page or figure a file name.")
    paths = [path for path in (json_file, html_file, figure_file) if path not in (None, "-")]
    if len({Path(str(path)).resolve() for path in paths}) < len(paths):
        raise OutputError("Two outputs go to the same file: give each its own.")
    for path in paths:
        check_writable(str(path))


def _sentences(text: str | None, file: str | None) -> list[tuple[str, str]]:
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
    found = [(f"{name}, line {number}: ", line) for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise InputError(f"{name} holds no sentence.")
    return found


def _cases(
    model: Model, sentences: Sequence[tuple[str, str]], target: str | None, references: Sequence[Any], question: Any
) -> list[Question]:
    """One case per sentence, target and reference; every one is checked before the first is computed."""
    from interp.question import Question

    cases: list[Question] = []
    empty = 0
    for where, text in sentences:
        try:
            targets = (
                [target] if target is not None else model.entities(text, question["pretokenized"], question["window"])
            )
            made = [Question(text, each, reference=kind, **question) for each in targets for kind in references]
            model.check(made)
        except InputError as error:
            raise InputError(f"{where}{error}") from error
        cases += made
        empty += not made
    if empty:
        say(f"{empty} of {len(sentences)} sentences hold no entity that the model finds: name a word with --target.")
    return cases


def _write(
    explanations: Sequence[Explanation],
    model: ModelInfo,
    json_file: str | None,
    html_file: str | None,
    figure_file: str | None,
    view: Any,
) -> None:
    """Everything is rendered before the first file is replaced."""
    from interp.explanation.document import dumps
    from interp.project.files import write

    document = dumps(explanations, model) if json_file else ""
    page = ""
    if html_file is not None:
        from interp.report.html.pages import explanations_page as render

        page = render(explanations)
    if figure_file is not None:
        from interp.report.figures.save import save_figure

        save_figure(explanations[0], view, figure_file)
    if html_file is not None:
        write(html_file, page)
    if json_file == "-":
        click.echo(document, nl=False)
        return
    if json_file is not None:
        write(json_file, document)
    from rich.console import Console

    from interp.report.terminal.explanation import show_explanations

    show_explanations(explanations, Console(highlight=False))


def _missed(missed: Sequence[Explanation], count: int) -> str:
    statuses = dict.fromkeys(path.status for e in missed for path in e.completeness.paths.values())
    remedies = " ".join(status.message for status in statuses if status.value != "converged")
    which = "The explanation" if count == 1 else f"{len(missed)} of {count} explanations"
    return f"{which} did not reach the tolerance. {remedies}"
