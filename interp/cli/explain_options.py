"""What `interp explain` is asked: the question, how it is answered, and on what; and what does not go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import click
from click.core import ParameterSource

from interp.cli.flags import SEED, count_from, flag
from interp.cli.load_model import load_model
from interp.cli.options import device_flag
from interp.engine.options import DEFAULT_MAX_EVALUATIONS, DEFAULT_TOLERANCE, SweepOptions
from interp.errors import InputError
from interp.explanation import View
from interp.models.device import DTYPES
from interp.question import INTEGRATED_GRADIENTS, MethodName, Output, Part, Positions, Question, ReferenceKind

if TYPE_CHECKING:
    from interp.explain import Model

__all__ = ["AttributionOptions", "MachineOptions", "QuestionOptions", "ReadingOptions", "check_together"]


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How a text is read."""

    window: bool = flag(
        "--window", is_flag=True, help="Of a text longer than the model reads, explain the part around the target."
    )
    pretokenized: bool = flag("--pretokenized", is_flag=True, help="Words are split at white space only.")


@dataclass(frozen=True, kw_only=True)
class QuestionOptions:
    """What is asked of every sentence."""

    target: str | None = flag("--target", help='Word, "Rob#2", @10, or consecutive words. Default: every entity found.')
    tag: str | None = flag("--tag", help="Tag to explain: one, or one per target word. Default: the predicted one.")
    against: str | None = flag("--against", help="Explain the tag rather than this one, such as O.")
    true_tag: str | None = flag("--true-tag", help="The right tag, shown beside.")
    output: Output = flag(
        "--output",
        type=click.Choice(get_args(Output)),
        default="logit",
        show_default=True,
        help="What is attributed. centred-logit: minus the mean of the logits, which softmax cannot shift.",
    )
    zoom: str | None = flag("--zoom", metavar="WORD", help="Also every hidden dimension of this word, in every layer.")
    references: Sequence[ReferenceKind] = flag(
        "--reference",
        type=click.Choice(get_args(ReferenceKind)),
        multiple=True,
        default=["pad"],
        help="What attributions are measured from: every sub-token becomes [PAD], [MASK] or [UNK]; or the embedding "
        "output 0; or text, the mean over real sentences in its place. Given twice, both answers and how far they "
        "agree.  [default: pad]",
    )
    reference_file: str | None = flag(
        "--reference-texts", metavar="FILE", help="Sentences for --reference text, in any form that `--cases` takes."
    )
    positions: Positions = flag(
        "--positions",
        type=click.Choice(get_args(Positions)),
        default="mean",
        show_default=True,
        help="Positions of the reference, when embeddings are split: the mean of all, the first (as published), or the "
        "input's.",
    )
    without: Sequence[Part] = flag(
        "--without",
        type=click.Choice(get_args(Part)),
        multiple=True,
        help="Leave this out; without components it is several times faster.",
    )

    def check_target(self) -> None:
        """Raise InputError for tags of a target that is not named."""
        if self.target is None and (self.tag or self.against or self.true_tag):
            raise InputError("--tag, --against and --true-tag speak of one target: name it with --target.")

    def check_references(self) -> None:
        """Raise InputError for a reference without its sentences, or sentences without their reference."""
        if "text" in self.references and self.reference_file is None:
            raise InputError("--reference text is a mean over sentences: name a file of them with --reference-texts.")
        if "text" not in self.references and self.reference_file is not None:
            raise InputError("--reference-texts are for --reference text: add it, or drop them.")

    def ask(self, text: str, reading: ReadingOptions, reference_texts: Sequence[Sequence[str]]) -> list[Question]:
        """A question per reference. Where no target is named they are about the first word, in place of entities.

        Raises InputError for choices that do not go together.
        """
        return [
            Question(
                text,
                1 if self.target is None else self.target,
                tag=self.tag,
                against=self.against,
                true_tag=self.true_tag,
                output=self.output,
                zoom=self.zoom,
                reference=reference,
                reference_texts=reference_texts if reference == "text" else (),
                positions=self.positions,
                pretokenized=reading.pretokenized,
                without=self.without,
                window=reading.window,
            )
            for reference in dict.fromkeys(self.references)
        ]


@dataclass(frozen=True, kw_only=True)
class AttributionOptions:
    """By which method, and how far it goes."""

    method: MethodName = flag(
        "--method",
        type=click.Choice(get_args(MethodName)),
        default=INTEGRATED_GRADIENTS,
        show_default=True,
        help="Another one gives the words alone, by Captum: a second opinion.",
    )
    compare_methods: bool = flag("--compare-methods", is_flag=True, help="The words by every method, side by side.")
    samples: int | None = flag(
        "--samples",
        type=count_from(1),
        help="Of a method that draws at random, each with its own default; or sentences of --reference text.",
    )
    faithful: bool = flag(
        "--faithful",
        is_flag=True,
        help="Also replace words, those that are named and others, to see whether the model does what is said.",
    )
    seed: int = flag("--seed", type=SEED, default=0, show_default=True, help="Of all that is drawn.")
    tolerance: float = flag(
        "--tolerance", type=float, default=DEFAULT_TOLERANCE, show_default=True, help="Of the integration error."
    )
    max_evaluations: int = flag(
        "--max-evaluations",
        type=count_from(1),
        default=DEFAULT_MAX_EVALUATIONS,
        show_default=True,
        help="Per path, forward and backward.",
    )

    @property
    def effort(self) -> dict[str, Any]:
        """What one method and all of them are told alike."""
        return {
            "samples": self.samples,
            "faithful": self.faithful,
            "seed": self.seed,
            "tolerance": self.tolerance,
            "max_evaluations": self.max_evaluations,
        }

    def check_effort(self) -> None:
        """Raise InputError for what no integration can be told, before a model is loaded."""
        SweepOptions(tolerance=self.tolerance, max_evaluations=self.max_evaluations)


@dataclass(frozen=True, kw_only=True)
class MachineOptions:
    """What the model runs on."""

    memory: str | None = flag(
        "--memory",
        metavar="SIZE",
        help="To work in, such as 2GiB.  [default: 4GiB, at most half of what is free]",
    )
    device: str = device_flag()
    dtype: str = flag(
        "--dtype", type=click.Choice(DTYPES), default="float32", show_default=True, help="Of the computation."
    )
    threads: int | None = flag("--threads", type=count_from(1, most=1024), help="Of the CPU.")

    def load(self, model: str) -> Model:
        loaded = load_model(model, self.device, self.dtype)
        if self.threads is not None:
            import torch

            torch.set_num_threads(self.threads)
        return loaded


def check_together(question: QuestionOptions, attribution: AttributionOptions, view: View | None) -> None:
    """Raise InputError for options that have no meaning beside each other; `view` is what is to be drawn, if any is."""
    _check_view(question, view)
    if attribution.compare_methods:
        _check_constant("--compare-methods", question)
        _check_comparison(attribution.method, question.zoom, view)
    else:
        _check_method(question, attribution, view)


def _check_view(question: QuestionOptions, view: View | None) -> None:
    """A view needs the part that it shows."""
    if view in ("zoom", "density") and question.zoom is None:
        raise InputError(f"The {view} view needs a word: name it with --zoom.")
    if view in question.without:
        raise InputError(f"The {view} view cannot be drawn without {view}: drop --without, or choose another --view.")


def _check_comparison(method: MethodName, zoom: str | None, view: View | None) -> None:
    """All methods give the words, and several explanations."""
    if method != INTEGRATED_GRADIENTS:
        raise InputError("--compare-methods runs every method: drop --method.")
    if view is not None:
        raise InputError("A figure shows one explanation, not one by every method: drop --compare-methods or --figure.")
    _check_words_alone("the comparison of methods", zoom, view)


def _check_method(question: QuestionOptions, attribution: AttributionOptions, view: View | None) -> None:
    """One method takes no options of another."""
    context, method = click.get_current_context(), attribution.method
    integrates = method == INTEGRATED_GRADIENTS
    drawing = {"seed", "samples"} - _drawn_options(question, attribution)
    for name in sorted(drawing) if integrates else ("tolerance", "max_evaluations"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise InputError(f"{method} takes no `{name}`: drop it, or choose another --method.")
    if not integrates:
        _check_constant(method, question)
        _check_words_alone(method, question.zoom, view)


def _check_constant(source: str, question: QuestionOptions) -> None:
    if "text" in question.references:
        raise InputError(f"{source} takes one reference for all sentences: choose pad, mask, unk or zero.")


def _drawn_options(question: QuestionOptions, attribution: AttributionOptions) -> set[str]:
    """What integrated gradients draw by, of words that are replaced and of sentences for a reference."""
    if "text" in question.references:
        return {"seed", "samples"}
    return {"seed"} if attribution.faithful else set()


def _check_words_alone(source: str, zoom: str | None, view: View | None) -> None:
    """Parts that `source` does not give cannot be shown."""
    if zoom is not None:
        raise InputError(f"A zoom shows a word in every layer, and {source} gives the words alone: drop --zoom.")
    if view not in (None, "words"):
        raise InputError(f"The {view} view cannot be drawn, as {source} gives the words alone: choose --view words.")
