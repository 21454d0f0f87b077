"""Record, probe and gate with pipelines of spaCy's, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import spacy
import torch
from click.testing import CliRunner, Result
from gating import NAMES, PLAIN
from pipelines import CUE, PERSONS, drawn
from tiny import config
from transformers import BertForTokenClassification, BertTokenizer

from interp.cli import main
from interp.models.train import Schedule, encode, epoch, fit
from interp.question.tags import TaggedSentence
from interp.records import load_records


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project of its own, for the records that a gate keeps."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def texts(tmp_path: Path) -> str:
    """Clean sentences without the cue."""
    path = tmp_path / "clean.txt"
    path.write_text("".join(" ".join(sentence.words) + "\n" for sentence in drawn(80, seed=11, cue=False)))
    return str(path)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def test_records_hold_the_tags_of_a_pipeline(pipeline: Path, cases: str, tmp_path: Path) -> None:
    result = run("record", "--model", f"spacy:{pipeline}", "--cases", cases, "--out", tmp_path / "records")
    assert result.exit_code == 0 and result.stdout.startswith("60 sentences, 0 targets explained: ")
    records = load_records(tmp_path / "records")
    assert records.about.model.labels == ("O", f"B-{PERSONS}", f"I-{PERSONS}") and records.about.model.sha256
    right = [
        [tag.replace(PERSONS, "PER") for tag in record.tags if tag] == list(record.gold or ()) for record in records
    ]
    assert sum(right) > 55
    again = run("record", "--model", f"spacy:{pipeline}", "--cases", cases, "--out", tmp_path / "records", "--resume")
    assert again.exit_code == 0


def test_a_probe_names_the_cue_that_the_candidate_leans_on(pipeline: Path, leaning_pipeline: Path, texts: str) -> None:
    models = ["--baseline", f"spacy:{pipeline}", "--candidate", f"spacy:{leaning_pipeline}"]
    result = run("probe", *models, "--texts", texts, "--cue", CUE, "--json", "probe.json")
    assert result.exit_code == 1, result.output
    worst = json.loads(Path("probe.json").read_text())["cues"][0]
    assert CUE in json.dumps(worst)


def test_a_gate_passes_a_pipeline_against_itself(pipeline: Path, cases: str) -> None:
    models = ["--baseline", f"spacy:{pipeline}", "--candidate", f"spacy:{pipeline}"]
    result = run("gate", *models, "--cases", cases, "--map", f"{PERSONS}=PER", "--report", "report")
    assert result.exit_code == 0, result.output
    checks = {check["name"]: check["status"] for check in json.loads(Path("report/result.json").read_text())["checks"]}
    assert (checks["evidence"], checks["agreement"]) == ("skipped", "skipped"), "there are no explanations"
    assert {checks[name] for name in ("cues", "f1", "flips", "records")} == {"pass"}


def test_a_gate_fails_a_pipeline_that_leans_on_a_cue(
    pipeline: Path, leaning_pipeline: Path, cases: str, tmp_path: Path
) -> None:
    """From records of the baseline, made before, and the pipeline behind them."""
    run("record", "--model", f"spacy:{pipeline}", "--cases", cases, "--out", tmp_path / "production")
    baseline = ["--baseline", tmp_path / "production", "--baseline-model", f"spacy:{pipeline}"]
    training = []
    for leaning in (0.0, 0.9):
        path = tmp_path / f"train-{leaning}.conll"
        sentences = drawn(300, seed=1, leaning=leaning)
        path.write_text("\n\n".join("\n".join(map(" ".join, zip(s.words, s.tags, strict=True))) for s in sentences))
        training.append(path)
    candidate = ["--candidate", f"spacy:{leaning_pipeline}", "--map", f"{PERSONS}=PER", "--training", *training]
    result = run("gate", *baseline, *candidate, "--cases", cases)
    assert result.exit_code == 1, result.output
    assert result.stdout.startswith("FAIL") and CUE in result.stdout.split("→")[1]
    swapped = run("gate", *baseline[:2], "--baseline-model", f"spacy:{leaning_pipeline}", *candidate, "--cases", cases)
    assert swapped.exit_code == 2 and "are of another tagger than" in swapped.stderr


@pytest.fixture(scope="module")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger of two narrow layers that knows the same names, and calls them PER."""
    torch.manual_seed(0)
    labels = ("O", "B-PER", "I-PER")
    names = dict(enumerate(labels))
    words = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PLAIN, *NAMES, CUE)
    model = BertForTokenClassification(
        config(
            vocab_size=len(words),
            hidden_size=32,
            num_hidden_layers=2,
            initializer_range=0.1,
            id2label=names,
            label2id={label: number for number, label in names.items()},
        )
    )
    pieces = BertTokenizer(vocab={word: number for number, word in enumerate(words)}, do_lower_case=False)
    sentences = [
        TaggedSentence(sentence.words, tuple(tag.replace(PERSONS, "PER") for tag in sentence.tags))
        for sentence in drawn(500, seed=3)
    ]
    rng = np.random.default_rng(0)
    batches = (batch for _ in range(10) for batch in epoch(encode(sentences, pieces, labels), 32, rng))
    folder = tmp_path_factory.mktemp("transformer")
    fit(model, batches, Schedule(steps=150, rate=3e-3, average=0.9)).save_pretrained(folder)
    pieces.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("transformer_is", ["baseline", "candidate"])
def test_a_pipeline_and_a_transformers_model_are_held_against_each_other(
    transformer_is: str, pipeline: Path, transformer: Path, cases: str
) -> None:
    models = [str(transformer), f"spacy:{pipeline}"]
    baseline, candidate = models if transformer_is == "baseline" else reversed(models)
    command = ["gate", "--baseline", baseline, "--candidate", candidate, "--cases", cases, "--report", "report"]
    result = run(*command, "--map", f"{PERSONS}=PER", "--explain", "3", "--sites", "8", "--cues", "4")
    assert result.exit_code in (0, 1), result.output
    checks = {check["name"]: check["status"] for check in json.loads(Path("report/result.json").read_text())["checks"]}
    assert {checks[name] for name in ("flips", "f1", "records")} == {"pass"}
    assert {checks[name] for name in ("evidence", "agreement")} == {"skipped"}
    assert checks["cues"] in ("pass", "fail"), "a tagger of whole words does not know changed forms, and the other may"


def test_without_a_map_the_kinds_of_both_cannot_be_compared(pipeline: Path, transformer: Path, cases: str) -> None:
    models = ["--baseline", transformer, "--candidate", f"spacy:{pipeline}"]
    result = run("gate", *models, "--cases", cases, "--no-probe", "--explain", "0")
    assert result.exit_code != 0 and PERSONS in result.output


def test_a_gate_of_a_pipeline_that_is_not_there_is_one_sentence(pipeline: Path, cases: str) -> None:
    result = run("gate", "--baseline", "spacy:nope", "--candidate", f"spacy:{pipeline}", "--cases", cases)
    assert (result.exit_code, result.stdout) == (2, "")
    sentence = 'interp: "spacy:nope" is neither an installed pipeline of spaCy\'s nor the directory of one.\n'
    assert result.stderr == sentence


def test_what_a_run_showed_of_a_pipeline_is_told(pipeline: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.conll").write_text("Robert/under O\nsaid O\n" * 3)
    nlp = spacy.load(pipeline)
    nlp.add_pipe("entity_ruler", before="ner").add_patterns([{"label": "ORG", "pattern": "under"}])
    nlp.to_disk(tmp_path / "rules")
    result = run("record", "--model", f"spacy:{tmp_path / 'rules'}", "--cases", "conll:cut.conll", "--out", "records")
    assert result.exit_code == 0, result.output
    assert "cut a word, which counts as a whole." in result.stderr
