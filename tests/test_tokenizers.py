"""Words and sub-tokens: WordPiece, byte-level BPE, Unigram, BPE with bytes to fall back on, and a slow tokeniser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from families import CORPUS, FAMILIES, both_truths, build, directory
from tokenizers import processors
from torch import Tensor
from transformers import AutoModelForTokenClassification, AutoTokenizer, BertweetTokenizer

from interp.errors import InputError
from interp.explain import Model, load
from interp.explanation import Explanation

torch.set_num_threads(1)
FAMILY, HAND = "👨\u200d👩\u200d👧", "👋🏽"  # five code points, and two
COMPOSED, DECOMPOSED = "Z\u00fcrich", "Zu\u0308rich"

NOTHING = {
    "bert": ("\u200b", "\x01", "\u00ad", "\ufffd", "\u00a0"),
    "roberta": ("",),
    "xlm-roberta": ("\u3000", "\u00a0"),
    "albert": ("\ufe0f", "\u00a0"),
    "deberta-v3": ("\u3000",),
    "modernbert": ("",),
    "mmbert": ("",),
    "bertweet": ("\u00a0", "\u3000"),
}
"""Words of which a tokeniser leaves nothing; the names are those of families, and one slow tokeniser."""


def bertweet_directory(folder: Path) -> Path:
    """A RoBERTa with BERTweet's tokeniser, which is written in Python and does not say whose sub-token is whose."""
    letters = sorted({letter for sentence in CORPUS for letter in sentence if not letter.isspace()})
    pieces = [*(f"{letter}@@" for letter in letters), *letters, "Ro@@", "Rob", "pri@@", "sing@@"]
    merges = ("R o", "Ro b</w>", "p r", "pr i", "s i", "si n", "sin g")
    folder.joinpath("vocab.txt").write_text("".join(f"{piece} 1\n" for piece in pieces), encoding="utf-8")
    folder.joinpath("bpe.codes").write_text("".join(f"{merge} 1\n" for merge in merges), encoding="utf-8")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    tokenizer = BertweetTokenizer(*(str(folder / name) for name in ("vocab.txt", "bpe.codes")))
    model, _ = build("roberta", vocab_size=len(tokenizer), max_position_embeddings=130)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for name, content in files.items():  # it writes its merges without their counts, and then misreads them
        folder.joinpath(name).write_bytes(content)
    return folder


@dataclass(frozen=True)
class Subject:
    """A tagger with one tokeniser, loaded by interp and on its own."""

    name: str
    path: Path

    @property
    def words(self) -> tuple[str, ...]:
        """With two words of which nothing is left, one of them the last."""
        nothing = NOTHING[self.name]
        plain = (DECOMPOSED, FAMILY, COMPOSED, HAND, "東京", "القاهرة", "Rob")
        return ("Rob", "surprisingly", nothing[0], *plain, nothing[-1])

    @cached_property
    def model(self) -> Model:
        return load(self.path, "cpu", "float64")

    @cached_property
    def tokenizer(self) -> Any:
        return AutoTokenizer.from_pretrained(self.path)

    @cached_property
    def found(self) -> Explanation:
        return self.model.explain(self.words, 2, tag="B-PER", tolerance=1e-4)

    def alone(self, word: str) -> list[int]:
        """Ids of one word, without special tokens."""
        if self.tokenizer.is_fast:
            return self.tokenizer([word], is_split_into_words=True, add_special_tokens=False)["input_ids"]
        return self.tokenizer.convert_tokens_to_ids(self.tokenizer.tokenize(word))

    def expected(self, words: Sequence[str]) -> tuple[list[int], list[int]]:
        """Ids and units of a sentence, from its words one by one and a special token at both ends."""
        each = [self.alone(word) for word in words]
        ids = [i for own in each for i in own]
        units = [unit for unit, own in enumerate(each, 1) for _ in own]
        return [self.tokenizer.cls_token_id, *ids, self.tokenizer.sep_token_id], [0, *units, len(words) + 1]


@pytest.fixture(scope="session", params=list(NOTHING))
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("tokenizer")
    if request.param == "bertweet":
        return Subject("bertweet", bertweet_directory(folder))
    return Subject(request.param, directory(request.param, folder, max_position_embeddings=130))


def check_alignment(model: Model, words: Sequence[str], ids: list[int], units: list[int]) -> None:
    encoding = model.tagger.encode(words)
    assert (encoding.words, list(encoding.ids), list(encoding.units)) == (tuple(words), ids, units)
    assert list(encoding.units) == sorted(encoding.units)
    assert [i is None for i in encoding.first] == [unit not in units for unit in range(len(words) + 2)]
    assert all(i is None or units.index(unit) == i for unit, i in enumerate(encoding.first))
    assert list(encoding.special) == [unit in (0, len(words) + 1) for unit in units]


# --- whose sub-token is whose


def test_only_one_of_the_tokenisers_is_slow(subject: Subject) -> None:
    assert subject.tokenizer.is_fast == (subject.name != "bertweet")


def test_every_subtoken_belongs_to_one_word(subject: Subject) -> None:
    """Sub-tokens of a sentence are those of each word alone, in order; words of nothing have none."""
    ids, units = subject.expected(subject.words)
    check_alignment(subject.model, subject.words, ids, units)
    counts = [units.count(unit) for unit in range(1, len(subject.words) + 1)]
    assert [count == 0 for count in counts] == [i in (2, len(counts) - 1) for i in range(len(counts))]
    assert counts[1] > 2 and counts[3] > 2 and max(counts) >= 6


@pytest.mark.parametrize(
    "words", [("Rob",), ("Rob", "Rob"), (FAMILY,), ("東京", "Rob"), (DECOMPOSED, COMPOSED)], ids=ascii
)
def test_short_sentences(subject: Subject, words: tuple[str, ...]) -> None:
    check_alignment(subject.model, words, *subject.expected(words))


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "in a sentence"])
@pytest.mark.parametrize("end", ["cls_token", "sep_token", "pad_token", "mask_token"])
def test_a_special_token_as_a_word_is_a_word(subject: Subject, end: str, alone: bool) -> None:
    """A text that names a special token does not end there."""
    name = getattr(subject.tokenizer, end)
    words = (name,) if alone else ("Rob", name, "Rob", name)
    check_alignment(subject.model, words, *subject.expected(words))


@pytest.mark.parametrize(
    ("template", "before", "behind"),
    [("$A", 0, 0), ("[CLS] [MASK] $A [SEP]", 2, 1), ("$A [SEP] [SEP]", 0, 2)],
    ids=["none", "two before", "two behind"],
)
def test_other_numbers_of_special_tokens(tmp_path: Path, template: str, before: int, behind: int) -> None:
    """Those before the words are unit 0, those behind the last; a unit without any has no attribution."""
    model, tokenizer = build("modernbert")
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=template,
        pair=f"{template} $B",
        special_tokens=[(name, tokenizer.convert_tokens_to_ids(name)) for name in ("[CLS]", "[SEP]", "[MASK]")],
    )
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = load(tmp_path, "cpu", "float64")
    encoding = loaded.tagger.encode(("Rob", "wins"))
    assert (encoding.units.count(0), encoding.units.count(3)) == (before, behind)
    assert encoding.special == tuple(unit in (0, 3) for unit in encoding.units)
    found = loaded.explain(("Rob", "wins"), 1, tag="B-PER")
    assert (
        found.words[0].attribution == found.words[3].attribution == 0
    )  # the same in the reference, where there are any
    assert found.completeness.converged
    with pytest.raises(InputError, match="special token"):
        loaded.explain(("Rob", "wins"), 0)


# --- attributions of words


def test_words_sum_over_their_subtokens(subject: Subject) -> None:
    """Words, layers and tables are the slow reference's elements, summed by the units expected above, to 1e-4."""
    ids, units = subject.expected(subject.words)
    family = FAMILIES["roberta" if subject.name == "bertweet" else subject.name]
    bare = AutoModelForTokenClassification.from_pretrained(subject.path, dtype=torch.float64).eval()
    pad = subject.tokenizer.pad_token_id
    start = [i if unit in (0, units[-1]) else pad for i, unit in zip(ids, units, strict=True)]
    embedding, components = both_truths(family, bare, ids, start, lambda z: z[:, units.index(2), 1])

    def summed(elements: Tensor) -> np.ndarray:
        values = elements.detach().sum(-1)
        out = values.new_zeros(*values.shape[:-1], units[-1] + 1)
        return out.index_add(-1, torch.tensor(units), values).numpy()

    assert subject.found.components is not None
    found = np.array([subject.found.attributions, *subject.found.layers])
    truth = np.array([summed(each) for each in embedding.attributions])
    assert (np.abs(found - truth).sum(1) <= 1e-4 * np.abs(truth).sum(1)).all()
    tables, truth = np.array(list(subject.found.components.present.values())), summed(components.attributions[0])
    assert np.abs(tables - truth).sum() <= 1e-4 * np.abs(truth).sum()


def test_words_of_nothing_have_no_tag_and_no_share(subject: Subject) -> None:
    """They stay in the sentence, so that indices are the user's; all other words have a tag and a share."""
    nothing = [i for i, word in enumerate(subject.words, 1) if word in NOTHING[subject.name]]
    assert nothing == [3, len(subject.words)]
    assert [word.text for word in subject.found.words[1:-1]] == list(subject.words)
    for word in subject.found.words[1:-1]:
        absent = word.index in nothing
        assert (word.tag is None, word.probability is None, word.attribution == 0) == (absent,) * 3
        assert all((layer[word.index] == 0) == absent for layer in subject.found.layers[:1])
    assert subject.found.components is not None
    assert not any(values[i] for values in subject.found.components.present.values() for i in nothing)


def test_a_target_of_nothing_is_refused(subject: Subject) -> None:
    """Alone and in a span; the words beside it can be explained."""
    for target in (3, [2, 3], len(subject.words)):
        with pytest.raises(InputError, match="leaves nothing") as caught:
            subject.model.explain(subject.words, target)
        assert "\n" not in str(caught.value)
    after = subject.model.explain(subject.words, 4, max_evaluations=17)
    assert after.target.words == (DECOMPOSED,)


def test_a_text_of_nothing_is_refused(subject: Subject) -> None:
    for word in NOTHING[subject.name]:
        with pytest.raises(InputError):
            subject.model.explain((word, word), 1)


def test_predictions_are_those_of_first_subtokens(subject: Subject) -> None:
    """Tag and probability of a word are the bare model's at the word's first sub-token."""
    ids, units = subject.expected(subject.words)
    bare = AutoModelForTokenClassification.from_pretrained(subject.path, dtype=torch.float64).eval()
    with torch.no_grad():
        chances = bare(input_ids=torch.tensor([ids])).logits[0].softmax(-1)
    for word in subject.found.words[1:-1]:
        if word.index in units:
            own = chances[units.index(word.index)]
            assert word.tag == subject.model.info.labels[int(own.argmax())]
            assert word.probability == pytest.approx(float(own.max()), abs=1e-6)


def test_entities_skip_words_of_nothing(subject: Subject) -> None:
    """Every entity found can be explained."""
    found = subject.model.explain_entities(subject.words, max_evaluations=17)
    assert [each.target.indices for each in found] == subject.model.entities(subject.words)
    assert all(each.words[i].tag is not None for each in found for i in each.target.indices)
