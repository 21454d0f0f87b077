"""`interp probe`: what a new model takes for a sign of a tag, by forward passes alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from interp.cli.documents import STANDARD_OUTPUT, check_document, write_document
from interp.cli.flags import SEED, flag, with_options
from interp.cli.load_model import MODEL_HELP, check_taggers, load_predictor, say_notices
from interp.cli.options import ProbingOptions, device_flag, kinds_flag, training_flag
from interp.cli.progress import phase
from interp.cli.project import open_project, read_criteria
from interp.cli.read_texts import read_texts
from interp.errors import InputError

if TYPE_CHECKING:
    from interp.gate import CheckResult, Criteria, CueFinding
    from interp.probe import Association, Nomination, ProbeResult, ProbeSettings
    from interp.project.settings import Settings
    from interp.taggers import Predictor
    from interp.texts import Sentence

__all__ = ["probe"]


@dataclass(frozen=True, kw_only=True)
class ProbeOptions:
    """Both models, the sentences, and the words that are asked about."""

    baseline: str = flag("--baseline", required=True, metavar="MODEL", help=MODEL_HELP)
    candidate: str = flag("--candidate", required=True, metavar="MODEL", help="The same.")
    texts: Sequence[str] = flag(
        "--texts",
        multiple=True,
        required=True,
        metavar="TEXTS",
        help="Clean sentences: a .txt file with one a line, conll:FILE, jsonl:FILE, hf:DIR, or case files.",
    )
    training: tuple[str, str] | None = training_flag()
    cues: Sequence[str] = flag(
        "--cue", multiple=True, metavar="WORDS", help="Ask about these too; give it several times."
    )
    kinds: Sequence[str] = kinds_flag()

    def load(self, sentences: Sequence[Sentence], device: str) -> list[Predictor]:
        """Both, with their kinds by the same names. Functions learn their tags from the texts, both sides together: one
        may never have given a tag there.
        """
        from interp.gate import map_predictors, parse_map
        from interp.taggers import share_labels

        words = [sentence.words for sentence in sentences]
        predictors = [load_predictor(spec, device, words) for spec in (self.baseline, self.candidate)]
        return map_predictors(share_labels(predictors), parse_map(self.kinds))


@dataclass(frozen=True, kw_only=True)
class ProbeRunOptions:
    """How the probe runs, and where its document goes."""

    seed: int = flag("--seed", type=SEED, default=0, show_default=True, help="Of the sentences that are chosen.")
    device: str = device_flag()
    json_file: str | None = flag("--json", metavar="FILE", help="Write what was found; - to standard output, alone.")


@click.command()
@with_options(options=ProbeOptions, probing=ProbingOptions, run=ProbeRunOptions)
def probe(*, options: ProbeOptions, probing: ProbingOptions, run: ProbeRunOptions) -> None:
    """Put words into clean sentences and see which of them move a tag in the candidate, and not in the baseline.

    Asked about are the words given with --cue, words whose association with a tag changed in the training data, those
    that the candidate's own gradients put first, and the frequent words and pairs of TEXTS; forms, endings and places
    always. Limits: cues, and cue_flips where a tagger gives no probabilities, in [tool.interp.gate].

    Exit status 0: nothing beyond the limit. 1: a cue is. 2: could not tell, or the input does not fit.
    """
    check_document(run.json_file)

    from interp.gate import exit_status, parse_map

    parse_map(options.kinds)
    check_taggers([options.baseline, options.candidate], run.device)
    root, settings = open_project()
    criteria = read_criteria(root, settings.gate, run.seed)
    probing.check_floors(criteria.floors, root / settings.gate.floors)
    sentences = read_texts(options.texts, settings, "text", labels=False)
    associations = _find_associations(options.training, settings, probing.most_cues)
    requested = _requested(options.cues)
    pair = options.load(sentences, run.device)
    nominations = [*requested, *_nominate(pair, associations, sentences, most=probing.most_cues, seed=run.seed)]
    result = _probe(pair, sentences, nominations, probing=probing.settings(run.seed), criteria=criteria)
    say_notices(*pair)
    check, findings = _judge(result, associations, criteria)
    _report(check, findings, run.json_file)
    sys.exit(exit_status(check.status))


def _find_associations(training: tuple[str, str] | None, settings: Settings, most: int) -> list[Association]:
    """The cues whose association with a tag changed in the training data; without any, none."""
    from interp.probe import find_associations

    if training is None:
        return []
    old, new = (read_texts([spec], settings, "conll") for spec in training)
    return find_associations(old, new, most)


def _requested(cues: Sequence[str]) -> list[Nomination]:
    from interp.probe import REQUESTED, Cue, Nomination
    from interp.project.characters import holds_half_characters

    if holds_half_characters("".join(cues)):
        raise InputError("A word of --cue holds bytes that are no characters: give it as UTF-8.")
    return [Nomination(Cue("words", " ".join(cue.split())), REQUESTED) for cue in cues if cue.strip()]


def _nominate(
    pair: Sequence[Predictor],
    associations: Sequence[Association],
    sentences: Sequence[Sentence],
    *,
    most: int,
    seed: int,
) -> list[Nomination]:
    """`most` of those that the candidate itself, training data or the sentences nominate."""
    from interp.probe import frequent_cues, merge_nominations, own_cues

    texts = [(sentence.id, sentence.words) for sentence in sentences]
    baseline, candidate = pair
    own = own_cues(baseline, candidate, texts, seed=seed)
    trained = [association.candidate for association in associations]
    frequent = frequent_cues([words for _, words in texts], most)
    return merge_nominations(own, trained, frequent, most=most)


def _probe(
    pair: Sequence[Predictor],
    sentences: Sequence[Sentence],
    nominations: Sequence[Nomination],
    *,
    probing: ProbeSettings,
    criteria: Criteria,
) -> ProbeResult:
    """Where floors are known, cues are chosen by what is usual for them."""
    from interp.probe import probe_models

    hold_against = partial(probe_models, least=criteria.least_effect)
    if criteria.floors is not None:
        hold_against = partial(hold_against, usual=criteria.floors.usually)
    baseline, candidate = pair
    texts = [(sentence.id, sentence.words) for sentence in sentences]
    with phase("probing", 1) as progress:
        return hold_against(
            baseline, candidate, texts=texts, candidates=nominations, probing=probing, progress=progress
        )


def _judge(
    result: ProbeResult, associations: Sequence[Association], criteria: Criteria
) -> tuple[CheckResult, Sequence[CueFinding]]:
    from interp.gate.checks.cues import find_cues, judge_cues

    findings = find_cues(result, associations, criteria)
    return judge_cues(findings, result, criteria.gate.cues), findings


def _report(check: CheckResult, findings: Sequence[CueFinding], json_file: str | None) -> None:
    """The terminal, unless the document stands on standard output; the document where it is asked for."""
    from interp.gate.document import dumps_cues

    if json_file != STANDARD_OUTPUT:
        from rich.console import Console

        from interp.gate.report.terminal import show_probe

        show_probe(check, findings, Console(highlight=False, markup=False))
    if json_file is not None:
        write_document(dumps_cues(check, findings), json_file)
