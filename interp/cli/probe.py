"""`interp probe`: what a new model takes for a sign of a tag, by forward passes alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interp.cli.console import progress
from interp.errors import InputError

if TYPE_CHECKING:
    from interp.probe import Predictor
    from interp.texts import Sentence

__all__ = ["probe"]

MODEL = "Bundled name, directory, hub id, or python:module:function of words → a mapping of tags to probabilities."


@click.command()
@click.option("--baseline", required=True, metavar="MODEL", help=MODEL)
@click.option("--candidate", required=True, metavar="MODEL", help="The same.")
@click.option(
    "--texts",
    multiple=True,
    required=True,
    metavar="TEXTS",
    help="Clean sentences: a .txt file with one a line, conll:FILE, jsonl:FILE, hf:DIR, or case files.",
)
@click.option(
    "--training", nargs=2, metavar="OLD NEW", help="What both were trained on: names the rows that bring a cue in."
)
@click.option("--cue", "cues", multiple=True, metavar="WORDS", help="Ask about these too; give it several times.")
@click.option(
    "--sites", type=click.IntRange(4), default=48, show_default=True, help="Sentences that a cue is put into."
)
@click.option("--cues", "most", type=click.IntRange(1), default=300, show_default=True, help="That are tried, at most.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the sentences that are chosen.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--json", "json_file", metavar="FILE", help="Write what was found; - to standard output, alone.")
def probe(
    baseline: str,
    candidate: str,
    texts: Sequence[str],
    training: tuple[str, str] | None,
    cues: Sequence[str],
    sites: int,
    most: int,
    seed: int,
    device: str,
    json_file: str | None,
) -> None:
    """Put words into clean sentences and see which of them move a tag in the candidate, and not in the baseline.

    Asked about are the words given with --cue, words whose association with a tag changed in the training data, and
    the frequent words and pairs of TEXTS; forms, endings and places always. Limit: cues in [tool.interp.gate].

    Exit status 0: nothing beyond the limit. 1: a cue is. 2: could not tell, or the input does not fit.
    """
    from interp.gate import Criteria, exit_status, floors, waivers
    from interp.gate.checks.cues import find_cues, judge_cues
    from interp.gate.document import dumps_cues
    from interp.probe import (
        REQUESTED,
        Cue,
        Nomination,
        ProbeSettings,
        find_associations,
        frequent_cues,
        merge_nominations,
    )
    from interp.probe import probe_models as run
    from interp.project.files import check_writable, write
    from interp.project.settings import find_root, load_settings
    from interp.texts import read_sentences

    if json_file not in (None, "-"):
        check_writable(str(json_file))
    root = find_root(Path.cwd())
    settings = load_settings(root)
    sentences = read_sentences(texts, settings, "text")
    links = []
    if training:
        old, new = (read_sentences([spec], settings, "conll") for spec in training)
        links = find_associations(old, new, most)
    asked = [Nomination(Cue("words", " ".join(cue.split())), REQUESTED) for cue in cues if cue.strip()]
    words = [each.words for each in sentences]
    every = [*asked, *merge_nominations([link.candidate for link in links], frequent_cues(words, most), most=most)]
    clean = [(each.id, each.words) for each in sentences]
    one, other = _predictors((baseline, candidate), sentences, device)
    path = root / settings.gate.floors
    benign = floors.load_floors(path) if path.is_file() else None
    if benign and benign.sites != sites:
        raise InputError(f"{path} was made with {benign.sites} sites: use --sites {benign.sites}, or calibrate anew.")
    probing = ProbeSettings(measured=sites, seed=seed)
    with progress(1, "probing") as told:
        found = run(one, other, clean, every, probing, told, *([benign.usually] if benign else []))
    accepted = waivers.load_waivers(root / settings.gate.waivers)
    findings = find_cues(found, links, Criteria(settings.gate, benign, accepted))
    check = judge_cues(findings, found, settings.gate.cues)
    if json_file != "-":
        from rich.console import Console

        from interp.gate.report.terminal import show_probe

        show_probe(check, findings, Console(highlight=False, markup=False))
    if json_file is not None:
        document = dumps_cues(check, findings)
        click.echo(document, nl=False) if json_file == "-" else write(json_file, document)
    sys.exit(exit_status(check.status))


def _predictors(specs: Sequence[str], sentences: Sequence[Sentence], device: str) -> list[Predictor]:
    """Functions learn their tags from the texts, both sides together: one may never have given a tag there."""
    from interp.explain import load
    from interp.probe import FUNCTION_PREFIX, FunctionPredictor, TaggerPredictor, import_function

    words = [each.words for each in sentences]
    found: list[Predictor] = [
        import_function(spec, words) if spec.startswith(FUNCTION_PREFIX) else TaggerPredictor(load(spec, device))
        for spec in specs
    ]
    labels = list(dict.fromkeys(label for each in found for label in each.labels))
    return [each.of(labels) if isinstance(each, FunctionPredictor) else each for each in found]
