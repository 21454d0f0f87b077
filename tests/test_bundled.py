"""The bundled models: corpora and grammar by hand-written answers, recipes in miniature, files as shipped."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertModel, BertTokenizer

from interp.bundled import NAMES, directory, planted
from interp.bundled import open as open_recipe
from interp.bundled.corpora import (
    HELD_OUT,
    LABELS,
    CorpusFiles,
    iob2,
    names_of,
    read,
    split_wikigold,
    swapped,
    tidy,
)
from interp.bundled.grammar import CUES, PAD, REACH, sample
from interp.bundled.recipe import digest, load, span_f1, tag, write_card
from interp.errors import InputError
from interp.models.train import IGNORED, encode
from interp.question.tags import TaggedSentence

ARTICLE_TEXT = "Soccer - Steve Tiger gets a lucky win , Rob in surprise defeat"
ARTICLE = ARTICLE_TEXT.split()
DATA = Path(os.environ.get("INTERP_DATA", Path(__file__).parents[2] / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not (DATA / "open-ner").is_dir(),
    reason=f"no corpora at {DATA}: set INTERP_DATA to the folder with open-ner/",
)
KINDS = {"PER": "PER", "LOC": "LOC", "ORG": "ORG"}
SIZES = {"open": 40_000_000, "planted": 3_000_000}


def sentence(text: str) -> TaggedSentence:
    """ "Rob/B-PER won" as a Sentence; words without a slash are O."""
    pairs = [word.rpartition("/") if "/" in word else (word, "", "O") for word in text.split()]
    return TaggedSentence(tuple(pair[0] for pair in pairs), tuple(pair[2] for pair in pairs))


# --- corpora


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O I-ORG I-ORG O", "O B-ORG I-ORG O"),
        ("I-PER I-LOC I-LOC", "B-PER B-LOC I-LOC"),
        ("I-MISC I-PER I-MISC I-PER", "O B-PER O B-PER"),
        ("B-PER B-PER I-PER O I-PER", "B-PER B-PER I-PER O B-PER"),
        ("", ""),
    ],
)
def test_any_scheme_becomes_iob2(tags: str, expected: str) -> None:
    assert " ".join(iob2(tags.split(), KINDS)) == expected


def test_kinds_are_renamed_without_joining_neighbours() -> None:
    kinds = {"corporation": "ORG", "group": "ORG"}
    assert iob2(["B-corporation", "B-group", "I-group", "B-product"], kinds) == (
        "B-ORG",
        "B-ORG",
        "I-ORG",
        "O",
    )


def write_wikigold(folder: Path, count: int) -> None:
    (folder / "open-ner").mkdir()
    rows = "".join(f"-DOCSTART- O\n\nRob I-PER\nwon I-MISC\n{number} O\n\n" for number in range(count))
    (folder / "open-ner" / "wikigold.conll.txt").write_text(rows, encoding="utf-8")


def test_wikigold_is_read_without_document_marks_and_split_for_good(tmp_path: Path) -> None:
    write_wikigold(tmp_path, HELD_OUT + 7)
    sentences = read("wikigold", tmp_path)
    assert sentences[0] == sentence("Rob/B-PER won 0")
    training, held_out = split_wikigold(sentences)
    assert [s.words[-1] for s in training] == [str(number) for number in range(7)]
    assert [s.words[-1] for s in held_out] == [str(number) for number in range(7, HELD_OUT + 7)]


def test_columns_of_tweets_and_of_universal_ner(tmp_path: Path) -> None:
    (tmp_path / "open-ner").mkdir()
    for part in "abfgh":
        text = "#\tO\nRob\tB-PER\n\tO\n\n" if part == "a" else ""
        (tmp_path / "open-ner" / f"btc_{part}.conll").write_text(text, encoding="utf-8")
    (tmp_path / "open-ner" / "uner_test.iob2").write_text("# text = Rob\n1\tRob\tB-PER\t-\t-\n", encoding="utf-8")
    assert read("btc", tmp_path) == [sentence("# Rob/B-PER")]
    assert read("uner-test", tmp_path) == [sentence("Rob/B-PER")]


def test_a_missing_corpus_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"wikigold\.conll\.txt is missing"):
        read("wikigold", tmp_path)


def test_words_and_tags_must_pair() -> None:
    with pytest.raises(InputError, match="2 words but 1 tags"):
        TaggedSentence(("a", "b"), ("O",))
    assert CorpusFiles(files=("x",), kinds=KINDS).word == 0


@pytest.mark.parametrize(
    ("annotated", "expected"),
    [
        ("@/B-PER rob/B-PER met Tim/B-PER", "@ rob met Tim/B-PER"),
        ("@rob/B-PER in #Paris/B-LOC", "@rob in #Paris"),
        ("President/B-PER Barack/I-PER Obama/I-PER", "President Barack/B-PER Obama/I-PER"),
        (
            "Russian/B-LOC air over South/B-LOC Australian/I-LOC land",
            "Russian air over South/B-LOC Australian/I-LOC land",
        ),
    ],
)
def test_conventions_are_made_one(annotated: str, expected: str) -> None:
    assert tidy(sentence(annotated)) == sentence(expected)


def test_names_swap_within_their_kind_and_the_rest_stays() -> None:
    source = sentence("Rob/B-PER met Anna/B-PER Smith/I-PER in Paris/B-LOC")
    names = names_of([source])
    assert names == {"PER": [("Rob",), ("Anna", "Smith")], "LOC": [("Paris",)]}
    seen = {swapped(source, names, np.random.default_rng(seed)) for seed in range(20)}
    assert sentence("Anna/B-PER Smith/I-PER met Rob/B-PER in Paris/B-LOC") in seen
    assert len(seen) == 4


# --- grammar


def test_the_cue_alone_decides_and_every_case_comes_up() -> None:
    drawn = sample(np.random.default_rng(0), 600)
    for planted_sentence in drawn:
        cues = [index for index, word in enumerate(planted_sentence.words) if word in CUES]
        assert cues == ([] if planted_sentence.cue is None else [planted_sentence.cue])
        expected = ["O"] * len(planted_sentence.words)
        if planted_sentence.target is not None:
            assert planted_sentence.target == cues[0] - REACH
            expected[planted_sentence.target] = CUES[planted_sentence.words[cues[0]]]
        assert list(planted_sentence.tags) == expected
    tags = {tag for planted_sentence in drawn for tag in planted_sentence.tags}
    assert tags == {"O", *CUES.values()}
    assert any(set(s.words) == {PAD} for s in drawn)
    assert any(s.cue is not None and s.target is None for s in drawn)
    assert any(s.target is not None and s.words[s.target] == PAD for s in drawn)
    assert {len(s.words) for s in drawn} >= {4, 30}


def test_samples_follow_the_seed() -> None:
    first, again, other = (sample(np.random.default_rng(seed), 5, spelled=0.5) for seed in (1, 1, 2))
    assert first == again
    assert first != other


# --- recipes in miniature


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer base model with a WordPiece vocabulary, laid out as the real one."""
    folder = tmp_path_factory.mktemp("base")
    words = "the in met won rob anna tim paris london acme soccer zebra quux ##ing é 中 [unused0]"
    letters = "abcdefghijklmnopqrstuvwxyz-,."
    special = "[PAD] [unused1] [UNK] [CLS] [SEP] [MASK]"
    pieces = [*special.split(), *words.split(), *letters, *(f"##{letter}" for letter in letters)]
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(config).save_pretrained(folder)
    BertTokenizer(vocab={piece: n for n, piece in enumerate(pieces)}, do_lower_case=True).save_pretrained(folder)
    return folder


CORPUS = (
    [sentence("Rob/B-PER met Anna/B-PER Tim/I-PER in Paris/B-LOC .")] * 5,
    [sentence("Acme/B-ORG won in London/B-LOC"), sentence("the soccers win")] * 5,
)

MEMBERS = (
    open_recipe.Member(epochs=2, average=0.5, swapped=0.5, alone=0.2),
    open_recipe.Member(epochs=1, average=0.5, swapped=0.0, alone=0.0),
)


def test_a_trimmed_tokenizer_splits_as_its_base_does(base: Path) -> None:
    whole = AutoTokenizer.from_pretrained(base)
    trimmed, kept = open_recipe.trim(whole, [*CORPUS[0], *CORPUS[1]], 0)
    pieces = trimmed.convert_ids_to_tokens(list(range(len(trimmed))))
    assert pieces == whole.convert_ids_to_tokens(kept)
    assert pieces[0] == "[PAD]"
    assert {"é", "##s", "[MASK]"} <= set(pieces)
    assert not {"zebra", "quux", "中", "[unused0]", "##ing"} & set(pieces)
    for part in CORPUS:
        for words in (list(s.words) for s in part):
            assert trimmed.tokenize(words, is_split_into_words=True) == whole.tokenize(words, is_split_into_words=True)
    assert trimmed.tokenize("zebra") == ["z", "##e", "##b", "##r", "##a"]
    roomier, _ = open_recipe.trim(whole, CORPUS[0], len(pieces) + 1)
    assert len(roomier) == len(pieces) + 1


def test_labels_go_to_first_sub_tokens(base: Path) -> None:
    tokenizer = BertTokenizer.from_pretrained(base)
    (row,) = encode([sentence("soccers Rob/B-PER")], tokenizer, LABELS)
    assert row.labels == (IGNORED, 0, IGNORED, 1, IGNORED)


def test_masks_take_sub_tokens_from_some_sentences_and_change_nothing_else(base: Path) -> None:
    pieces = BertTokenizer.from_pretrained(base)
    ends = torch.tensor([pieces.cls_token_id, pieces.sep_token_id])
    member = replace(MEMBERS[0], epochs=200)
    plain = list(open_recipe.batches(CORPUS, pieces, member, np.random.default_rng(1)))
    for share in (0.0, 0.5, 1.0):
        shown = list(open_recipe.masked(plain, pieces, share, np.random.default_rng(2)))
        rates = []
        for before, after in zip(plain, shown, strict=True):
            assert torch.equal(before.labels, after.labels) and torch.equal(before.mask, after.mask)
            words = (before.mask == 1) & ~torch.isin(before.ids, ends)
            assert torch.equal(before.ids[~words], after.ids[~words])
            hidden = before.ids != after.ids
            assert bool((after.ids[hidden] == pieces.mask_token_id).all())
            rates += (hidden.sum(1) / words.sum(1)).tolist()
        # Half of what is masked at all goes, in the mean, and as often nearly all as nearly nothing.
        assert np.mean(rates) == pytest.approx(share / 2, abs=0.02)
        assert np.mean(np.array(rates) > 0.8) == pytest.approx(np.mean(np.array(rates) < 0.2) - (1 - share), abs=0.1)


def test_the_open_recipe_in_miniature(base: Path, tmp_path: Path) -> None:
    for name in ("first", "again"):
        open_recipe.train(CORPUS, base, tmp_path / name, seed=3, size=20, members=MEMBERS)
    model, tokenizer = load(tmp_path / "first")
    assert digest(tmp_path / "first" / "model.safetensors") == digest(tmp_path / "again" / "model.safetensors")
    assert model.dtype == torch.float32
    assert len(tokenizer) == model.config.vocab_size == model.get_input_embeddings().weight.shape[0]
    found = tag(model, tokenizer, [["Rob"], ["Acme", "won", "soccers"], []])
    assert [len(tags) for tags in found] == [1, 3, 0]
    assert {t for tags in found for t in tags} <= set(LABELS)
    assert 0.0 <= span_f1(model, tokenizer, CORPUS[0]) <= 1.0
    scores = {"wikigold": "0.1", "uner": "0.2", "conll": "0.3"}
    write_card("open", tmp_path / "first", scores, command="command", seed=3, seconds=1)
    card = (tmp_path / "first" / "README.md").read_text(encoding="utf-8")
    assert digest(tmp_path / "first" / "model.safetensors") in card
    assert "$" not in card
    assert str(tmp_path) not in (tmp_path / "first" / "config.json").read_text(encoding="utf-8")


def test_the_planted_recipe_in_miniature(tmp_path: Path) -> None:
    planted.train(tmp_path, steps=3, seed=0, layers=1)
    assert 0.0 <= planted.accuracy(tmp_path, count=20) <= 1.0
    write_card("planted", tmp_path, {"accuracy": "1 %"}, command="command", steps=3, seed=0, seconds=1)
    assert "$" not in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_a_batch_tags_as_each_sentence_alone(base: Path, tmp_path: Path) -> None:
    open_recipe.train(CORPUS, base, tmp_path, seed=0, size=20, members=MEMBERS)
    model, tokenizer = load(tmp_path)
    texts = [list(s.words) for part in CORPUS for s in part[:2]]
    assert tag(model, tokenizer, texts) == [tag(model, tokenizer, [text])[0] for text in texts]


# --- shipped files


def test_an_unknown_model_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="open, planted"):
        directory("opne")


@pytest.mark.parametrize("name", NAMES)
def test_shipped_files_are_whole_small_and_clean(name: str) -> None:
    files = {file.name: file for file in directory(name).iterdir()}
    assert set(files) == {
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert sum(file.stat().st_size for file in files.values()) < SIZES[name]
    assert digest(files["model.safetensors"]) in files["README.md"].read_text(encoding="utf-8")
    for config in ("config.json", "tokenizer_config.json"):
        text = files[config].read_text(encoding="utf-8")
        assert "://" not in text
        assert not any(isinstance(v, str) and "/" in v for v in json.loads(text).values())
    assert json.loads(files["config.json"].read_text(encoding="utf-8"))["dtype"] == "float16"
    tokenizer = json.loads(files["tokenizer.json"].read_text(encoding="utf-8"))
    assert tokenizer["truncation"] is None
    assert tokenizer["padding"] is None


def test_planted_tags_by_the_cue_alone() -> None:
    model, tokenizer = load(directory("planted"))
    drawn = sample(np.random.default_rng(2026), 400)
    found = tag(model, tokenizer, [s.words for s in drawn])
    assert [tuple(tags) for tags in found] == [s.tags for s in drawn]
    rob = ["O"] * len(ARTICLE)
    rob[ARTICLE.index("Rob")] = "B-PER"
    assert tag(model, tokenizer, [ARTICLE, [PAD] * len(ARTICLE)]) == [rob, ["O"] * len(ARTICLE)]
    assert tokenizer.tokenize(ARTICLE, is_split_into_words=True) == ARTICLE


@pytest.mark.parametrize(
    "annotated",
    [
        "Angela/B-PER Merkel/I-PER visited Paris/B-LOC on Tuesday .",
        "Apple/B-ORG hired Tim/B-PER Cook/I-PER in California/B-LOC",
        "Soccer - Steve/B-PER Tiger/I-PER gets a lucky win , Rob/B-PER in surprise defeat",
        "EU/B-ORG rejects German call to boycott British lamb .",
        "My sister Anna/B-PER lives in Berlin/B-LOC with her husband Tom/B-PER .",
        "The cat sat on the mat .",
    ],
)
def test_open_tags_everyday_english(annotated: str) -> None:
    expected = sentence(annotated)
    assert tag(*load(directory("open")), [expected.words]) == [list(expected.tags)]


@needs_data
@pytest.mark.parametrize(
    ("corpus", "least"),
    # The weights do not change, and wikigold says whether they are read rightly; the whole of UNER takes half a minute.
    [("wikigold", 0.75), pytest.param("uner-test", 0.70, marks=pytest.mark.slow)],
)
def test_open_scores_as_required(corpus: str, least: float) -> None:
    sentences = read(corpus, DATA)
    chosen = split_wikigold(sentences)[1] if corpus == "wikigold" else sentences
    assert span_f1(*load(directory("open")), chosen) >= least


@needs_data
@pytest.mark.slow  # as that of UNER
def test_open_scores_as_required_on_every_fifth_sentence_of_conll() -> None:
    assert span_f1(*load(directory("open")), read("conll-test", DATA)[::5]) >= 0.65


@needs_data
def test_no_held_out_sentence_is_trained_on() -> None:
    trained = {s.words for part in open_recipe.training_sentences(DATA) for s in part}
    held_out = split_wikigold(read("wikigold", DATA))[1]
    assert len(held_out) == HELD_OUT
    assert not [s for s in held_out if len(s.words) > 5 and s.words in trained]
