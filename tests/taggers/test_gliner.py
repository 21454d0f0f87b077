"""`gliner:`: a tiny model with random weights, made here; what its scores come to, and what is refused."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gliner import GLiNER
from gliner.config import GLiNERConfig
from gliner.model import UniEncoderSpanGLiNER, UniEncoderTokenGLiNER
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from interp.errors import InputError, ModelError
from interp.taggers import Predictor, check_tagger, load_tagger

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<<ENT>>", "<<SEP>>")
KINDS = "person,location"
WORDS = ("Angela", "Merkel", "visited", "Paris", "😀", "and", "York")
MOST_WORDS = 40


def tokenizer(longest: int) -> PreTrainedTokenizerFast:
    vocabulary = {piece: number for number, piece in enumerate((*SPECIAL, *KINDS.split(","), *WORDS))}
    pieces = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    pieces.add_special_tokens(list(SPECIAL))
    pieces.normalizer = normalizers.BertNormalizer(lowercase=False)
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pieces.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, SPECIAL.index(name)) for name in ("[CLS]", "[SEP]")]
    )
    names = {f"{name.strip('[]').lower()}_token": name for name in SPECIAL[:5]}
    return PreTrainedTokenizerFast(tokenizer_object=pieces, model_max_length=longest, **names)


def made(folder: Path, *, longest: int = 512, token_level: bool = False) -> Path:
    """A directory as GLiNER saves it, of weights so wide that scores lie on both sides of one half."""
    torch.manual_seed(6)
    pieces = tokenizer(longest)
    encoder = {
        "model_type": "bert",
        "vocab_size": len(pieces),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "initializer_range": 0.6,
    }
    config = GLiNERConfig(
        model_name="made-here",
        encoder_config=encoder,
        hidden_size=32,
        max_width=3,
        max_len=MOST_WORDS,
        dropout=0.0,
        span_mode="token_level" if token_level else "markerV0",
        vocab_size=len(pieces),
        class_token_index=SPECIAL.index("<<ENT>>"),
    )
    kind = UniEncoderTokenGLiNER if token_level else UniEncoderSpanGLiNER
    model = kind(config, tokenizer=pieces, backbone_from_pretrained=False, local_files_only=True)
    with torch.no_grad():
        for parameter in model.model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("gliner") / "model")


@pytest.fixture(scope="module")
def token_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("gliner") / "tokens", token_level=True)


def tags(tagger: Predictor, words: Sequence[str]) -> list[str]:
    return [tagger.labels[tag] for tag in tagger([words])[0].argmax(-1)]


def scores(folder: Path, words: Sequence[str], threshold: float) -> dict[str, tuple[str, float]]:
    """By the words that GLiNER's own spans stand in, told by their first character: kind and score."""
    model = GLiNER.from_pretrained(str(folder), local_files_only=True)
    spans = model.predict_entities(" ".join(words), KINDS.split(","), threshold=threshold)
    return {span["text"]: (span["label"], span["score"]) for span in spans}


def test_probabilities_are_the_scores_of_glieners_spans(directory: Path) -> None:
    tagger = load_tagger(f"gliner:{directory}?labels={KINDS}", [])
    assert tagger.labels == ("O", "B-person", "I-person", "B-location", "I-location") and tagger.gives_probabilities
    (rows,) = tagger([WORDS])
    for text, (kind, score) in scores(directory, WORDS, 0.01).items():
        first = next(at for at, word in enumerate(WORDS) if text.startswith(word.split()[0]))
        assert rows[first, tagger.labels.index(f"B-{kind}")] == pytest.approx(score)
        assert rows[first, 0] == pytest.approx(1 - score)
    assert rows[:, 0].min() < 0.5 < rows[:, 0].max(), "both sides of one half"


def test_asking_for_less_likely_spans_changes_no_tag(directory: Path) -> None:
    tagger = load_tagger(f"gliner:{directory}?labels={KINDS}", [])
    likely = scores(directory, WORDS, 0.5)
    starts = {text.split()[0]: kind for text, (kind, _) in likely.items()}
    given = tags(tagger, WORDS)
    assert {word.split()[0]: tag[2:] for word, tag in zip(WORDS, given, strict=True) if tag[0] == "B"} == starts


def test_another_threshold_gives_tags_alone(directory: Path) -> None:
    few, many = (load_tagger(f"gliner:{directory}?labels={KINDS}&threshold={at}", []) for at in (0.9, 0.05))
    assert not few.gives_probabilities
    assert set(many([WORDS])[0].flat) == {0.0, 1.0}
    assert tags(few, WORDS).count("O") > tags(many, WORDS).count("O")


def test_a_model_that_scores_tokens_gives_tags_alone(token_directory: Path) -> None:
    tagger = load_tagger(f"gliner:{token_directory}?labels={KINDS}", [])
    assert not tagger.gives_probabilities
    assert {row.max() for row in tagger([WORDS])[0]} == {1.0}


def test_what_is_left_out_of_a_long_sentence_has_no_tag(directory: Path, tmp_path: Path) -> None:
    tagger = load_tagger(f"gliner:{directory}?labels={KINDS}", [])
    words = ["Paris"] * (MOST_WORDS + 5)
    rows = tagger([words, ("Paris",)])
    assert np.isnan(rows[0]).all(axis=1).tolist() == [False] * MOST_WORDS + [True] * 5
    assert not np.isnan(rows[1]).any()
    short = load_tagger(f"gliner:{made(tmp_path / 'short', longest=24)}?labels={KINDS}", [])
    unread = np.isnan(short([["Paris"] * 30])[0]).all(axis=1).tolist()
    assert unread == sorted(unread) and 0 < sum(unread) < 30, "by sub-tokens too"


def test_words_are_any_strings(directory: Path) -> None:
    tagger = load_tagger(f"gliner:{directory}?labels={KINDS}", [])
    assert tagger([()])[0].shape == (0, 5) and tagger([]) == []
    sentences = [("", " "), ("e\u0301 a\nb", "👩‍🚀"), ("x" * 500,)]
    assert [rows.shape for rows in tagger(sentences)] == [(2, 5), (2, 5), (1, 5)]


def test_the_fingerprint_covers_files_and_options(directory: Path, token_directory: Path, tmp_path: Path) -> None:
    names = [f"gliner:{folder}?labels={KINDS}" for folder in (directory, token_directory)]
    names += [f"gliner:{directory}?labels=person", f"{names[0]}&threshold=0.3"]
    known = {load_tagger(name, []).sha256 for name in names}
    copy = shutil.copytree(directory, tmp_path / "copy")
    assert len(known) == 4 and load_tagger(f"gliner:{copy}?labels={KINDS}", []).sha256 in known


def edit(file: str, **changes: Any) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        settings = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(settings | changes))

    return apply


def write_code(folder: Path) -> None:
    """What a stranger may send: a class of their own, in the settings of the encoder."""
    (folder / "modeling.py").write_text("raise SystemExit('their code was run')\n")
    settings = json.loads((folder / "gliner_config.json").read_text())
    settings["encoder_config"]["auto_map"] = {"AutoModel": f"{folder}--modeling.Model"}
    (folder / "gliner_config.json").write_text(json.dumps(settings))


def write_pickle(folder: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (folder / "run",))

    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"weight": Payload()}))


def drop_weights(folder: Path) -> None:
    tensors = torch.load(folder / "pytorch_model.bin", weights_only=True)
    torch.save(dict(list(tensors.items())[1:]), folder / "pytorch_model.bin")


def lose_tokenizer(folder: Path) -> None:
    (folder / "tokenizer_config.json").unlink()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (write_code, "gliner_config.json names code to be run (auto_map), which is not trusted here."),
        (edit("tokenizer_config.json", auto_map={"AutoTokenizer": ["a.b", None]}), "names code to be run (auto_map)"),
        (
            edit("gliner_config.json", _attn_implementation="owner/kernel"),
            "names code to be run (_attn_imp",
        ),
        (edit("gliner_config.json", encoder_config=None), "lacks the settings of its encoder (encoder_config)"),
        (edit("gliner_config.json", labels_encoder="owner/name"), "lacks the settings of its encoder (labels_encoder_"),
        (edit("gliner_config.json", labels_decoder="owner/name"), "makes up its kinds (labels_decoder)"),
        (edit("gliner_config.json", relations_layer="dot"), "finds relations (relations_layer)"),
        (edit("gliner_config.json", words_splitter_type="stanza"), "splits words by stanza, which would download"),
        (edit("gliner_config.json", hidden_size="wide"), "cannot be loaded: "),
        (lose_tokenizer, "there is no tokenizer_config.json in it"),
        (write_pickle, "cannot be loaded: "),
        (drop_weights, "cannot be loaded: Error(s) in loading state_dict"),
    ],
)
def test_what_is_not_trusted_or_not_whole_is_refused(
    change: Callable[[Path], None], message: str, directory: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(directory, tmp_path / "changed"))
    change(folder)
    with pytest.raises((InputError, ModelError)) as refusal:
        load_tagger(f"gliner:{folder}?labels={KINDS}", [])
    sentence = str(refusal.value)
    assert message in sentence and "\n" not in sentence and len(sentence) < 600
    assert not (folder / "run").exists(), "nothing of a pickle is run"


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("", "asks GLiNER for nothing: add ?labels=person,location"),
        ("?labels=,", "asks GLiNER for nothing"),
        ("?labels=person&threshold=0", "threshold is a number between 0 and 1, and no 0"),
        ("?labels=person&threshold=much", "threshold is a number between 0 and 1, and no much"),
        ("?label=person", 'has the option "label", which is none: gliner: has labels, threshold'),
    ],
)
def test_an_option_that_does_not_fit_is_told(rest: str, message: str, directory: Path) -> None:
    with pytest.raises(InputError) as refusal:
        check_tagger(f"gliner:{directory}{rest}")
    assert message in str(refusal.value)


def test_a_hub_id_is_no_directory() -> None:
    with pytest.raises(InputError, match=r"is no directory of GLiNER's: there is no gliner_config\.json and no tok"):
        check_tagger("gliner:owner/name?labels=person")
