"""Tiny random taggers of every encoder family, each with a tokeniser trained here, and slow references for them.

A row of `FAMILIES` builds one variant from its configuration. Its reference runs the encoder layer by layer, from plain
matrix products, without hooks and without the model's own `forward`: only weights are taken from the model.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from reference import States, Truth, gauss_legendre, integrate_states
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor, nn
from transformers import (
    AlbertTokenizer,
    AutoConfig,
    AutoModelForTokenClassification,
    BertTokenizer,
    CamembertTokenizer,
    DebertaV2Tokenizer,
    DistilBertTokenizer,
    MPNetTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    RobertaTokenizer,
    XLMRobertaTokenizer,
)
from transformers.activations import ACT2FN

with warnings.catch_warnings():  # transformers 5.0 scripts some of their functions, of which torch warns
    warnings.simplefilter("ignore", DeprecationWarning)
    import transformers.models.deberta_v2.modeling_deberta_v2
    import transformers.models.modernbert.modeling_modernbert  # noqa: F401

__all__ = ["FAMILIES", "LABELS", "SENTENCE", "Family", "both_truths", "build", "directory"]

LABELS = ("O", "B-PER", "I-PER", "B-LOC")

SENTENCE = ("Rob", "wins", "in", "Zu\u0308rich", "surprisingly", ",", "Rob")
"""With a repeated word, and words of many sub-tokens in every vocabulary below."""

CORPUS = (
    "Rob wins in London , and Rob is surprised by the win in London .",
    "Steve Tiger gets a lucky win in the final of the German league .",
    "Soccer - the team of Rob in surprise defeat , says the Berlin paper .",
    "In Zürich and in Zu\u0308rich the same people call the same hill a mountain .",
    "Cafe\u0301 owners in Paris call it une déception totale , naïve and über .",
    "They are winning , they were winners , and they will be surprising us .",
    "A wedding 💍 in 東京 is a party 🎉 , says 田中 of 北京 and 上海 .",
    "محمد lives in القاهرة and works for the bank of مصر .",
    "A family 👨\u200d👩\u200d👧 waves 👋🏽 at the flag 🇩🇪 of Berlin .",
    "Москва and Київ are cities , and so are Athens or Αθήνα .",
)
"""What every tokeniser is trained on: accents composed and decomposed, emoji, and several scripts."""

# --- tokenisers


@cache
def _word_pieces(specials: tuple[str, ...]) -> dict[str, int]:
    trained = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    trained.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    trained.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    letters = sorted({letter for sentence in CORPUS for letter in sentence if not letter.isspace()})
    first = [*specials, *letters, *(f"##{letter}" for letter in letters)]  # else they are numbered at random: ties
    trainer = trainers.WordPieceTrainer(vocab_size=len(first) + 60, special_tokens=first, show_progress=False)
    trained.train_from_iterator(CORPUS, trainer)
    return trained.get_vocab()


@cache
def _unigram_pieces(specials: tuple[str, ...], unk: str, plain: bool = False) -> list[tuple[str, float]]:
    """Pieces and scores; `plain` for lower case without accents, as ALBERT reads."""
    trained = Tokenizer(models.Unigram())
    if plain:
        trained.normalizer = normalizers.Sequence(
            [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
        )
    trained.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    trainer = trainers.UnigramTrainer(
        vocab_size=190, special_tokens=list(specials), unk_token=unk, show_progress=False, max_piece_length=6
    )
    trained.train_from_iterator(CORPUS, trainer)
    found = {piece: round(score, 6) for piece, score in json.loads(trained.to_str())["model"]["vocab"]}
    pieces = sorted(found.items(), key=lambda each: (each[0] not in specials, -each[1], each[0]))  # ties come at random
    return [*((special, 0.0) for special in specials), *pieces[len(specials) :]]


@cache
def _byte_pairs(specials: tuple[str, ...], prefix: bool) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges over bytes."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=list(specials),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator(CORPUS, trainer)
    model = json.loads(trained.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


def bert_tokenizer() -> PreTrainedTokenizerBase:
    return BertTokenizer(vocab=_word_pieces(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")), do_lower_case=False)


def distilbert_tokenizer() -> PreTrainedTokenizerBase:
    return DistilBertTokenizer(vocab=_word_pieces(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")), do_lower_case=False)


def mpnet_tokenizer() -> PreTrainedTokenizerBase:
    return MPNetTokenizer(vocab=_word_pieces(("<s>", "<pad>", "</s>", "[UNK]", "<mask>")), do_lower_case=False)


def roberta_tokenizer() -> PreTrainedTokenizerBase:
    vocabulary, merges = _byte_pairs(("<s>", "<pad>", "</s>", "<unk>", "<mask>"), prefix=True)
    return RobertaTokenizer(vocab=vocabulary, merges=merges, add_prefix_space=True)


def xlm_roberta_tokenizer() -> PreTrainedTokenizerBase:
    return XLMRobertaTokenizer(vocab=_unigram_pieces(("<s>", "<pad>", "</s>", "<unk>", "<mask>"), "<unk>"))


def camembert_tokenizer() -> PreTrainedTokenizerBase:
    return CamembertTokenizer(vocab=_unigram_pieces(("<s>", "<pad>", "</s>", "<unk>", "<mask>"), "<unk>"))


def albert_tokenizer() -> PreTrainedTokenizerBase:
    return AlbertTokenizer(vocab=_unigram_pieces(("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"), "<unk>", plain=True))


def deberta_tokenizer() -> PreTrainedTokenizerBase:
    built = DebertaV2Tokenizer(vocab=_unigram_pieces(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"), "[UNK]"))
    _frame(built.backend_tokenizer, "[CLS]", "[SEP]")  # transformers 5.0 leaves that to the file
    return built


def _frame(built: Tokenizer, start: str, end: str) -> None:
    """Put `start` and `end` around each sentence."""
    built.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}",
        pair=f"{start} $A {end} $B:1 {end}:1",
        special_tokens=[(each, built.token_to_id(each)) for each in (start, end)],
    )


def _framed(built: Tokenizer, start: str, end: str, **names: str) -> PreTrainedTokenizerBase:
    """A ready-made tokeniser that puts `start` and `end` around each sentence."""
    _frame(built, start, end)
    return PreTrainedTokenizerFast(
        tokenizer_object=built,
        cls_token=start,
        sep_token=end,
        model_input_names=["input_ids", "attention_mask"],
        **names,
    )


def modernbert_tokenizer() -> PreTrainedTokenizerBase:
    """Without a space before the first word, as ModernBERT's."""
    vocabulary, merges = _byte_pairs(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"), prefix=False)
    built = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    built.normalizer = normalizers.NFC()
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = decoders.ByteLevel()
    return _framed(built, "[CLS]", "[SEP]", unk_token="[UNK]", pad_token="[PAD]", mask_token="[MASK]")


def mmbert_tokenizer() -> PreTrainedTokenizerBase:
    """Like Gemma's: pairs over characters, bytes for those that were never seen, padding on the left."""
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trained.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=440, special_tokens=specials, show_progress=False)
    )
    model = json.loads(trained.to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    built = Tokenizer(
        models.BPE(vocab=model["vocab"], merges=merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    built.normalizer = normalizers.Replace(Regex(" +"), "▁")
    built.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    built.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    names = {"bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>"}
    return _framed(built, "<bos>", "<eos>", **names, pad_token="<pad>", mask_token="<mask>", padding_side="left")


# --- layers, from weights alone


def _attend(q: Tensor, k: Tensor, v: Tensor, heads: int, scale: float, added: Callable | None = None) -> Tensor:
    """softmax(q k / scale + added(q, k)) v per head; all states are (rows, sub-tokens, hidden)."""
    q, k, v = (each.unflatten(-1, (heads, -1)).transpose(1, 2) for each in (q, k, v))
    scores = q @ k.transpose(-1, -2) / scale
    if added is not None:
        scores = scores + added(q, k)
    return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)


@dataclass(frozen=True)
class Names:
    """Where the weights of a layer are."""

    query: str = "attention.self.query"
    key: str = "attention.self.key"
    value: str = "attention.self.value"
    out: str = "attention.output.dense"
    out_norm: str = "attention.output.LayerNorm"
    up: str = "intermediate.dense"
    down: str = "output.dense"
    norm: str = "output.LayerNorm"


BERT = Names()
DISTILBERT = Names(
    *(f"attention.{name}_lin" for name in ("q", "k", "v", "out")),
    *("sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm"),
)
MPNET = Names(*(f"attention.attn.{name}" for name in "qkvo"), out_norm="attention.LayerNorm")
ALBERT = Names(
    *(f"attention.{name}" for name in ("query", "key", "value", "dense", "LayerNorm")),
    *("ffn", "ffn_output", "full_layer_layer_norm"),
)
DEBERTA = Names(*(f"attention.self.{name}_proj" for name in ("query", "key", "value")))


def _layer(h: Tensor, layer: nn.Module, names: Names, config: Any, scale: float, added: Callable | None) -> Tensor:
    """Attention and feed-forward, each with its residual and a LayerNorm behind."""
    part = layer.get_submodule
    q, k, v = (part(name)(h) for name in (names.query, names.key, names.value))
    mixed = _attend(q, k, v, config.num_attention_heads, scale, added)
    h = part(names.out_norm)(h + part(names.out)(mixed))
    act = ACT2FN[getattr(config, "hidden_act", None) or config.activation]
    return part(names.norm)(h + part(names.down)(act(part(names.up)(h))))


def _width(config: Any) -> int:
    return config.hidden_size // config.num_attention_heads


def _stacked(path: str, names: Names = BERT) -> Callable[[nn.Module, Tensor], list[Tensor]]:
    """Layers of a list at `path`, one after the other, behind a projection where the encoder has one."""

    def layers(encoder: Any, h: Tensor) -> list[Tensor]:
        h = encoder.embeddings_project(h) if hasattr(encoder, "embeddings_project") else h
        states = []
        for layer in encoder.get_submodule(path):
            h = _layer(h, layer, names, encoder.config, math.sqrt(_width(encoder.config)), None)
            states.append(h)
        return states

    return layers


def _albert_layers(encoder: Any, h: Tensor) -> list[Tensor]:
    """The groups take turns: each is called for its share of the layers."""
    config, stack = encoder.config, encoder.encoder
    h, states = stack.embedding_hidden_mapping_in(h), []
    for number in range(config.num_hidden_layers):
        group = stack.albert_layer_groups[number * config.num_hidden_groups // config.num_hidden_layers]
        for layer in group.albert_layers:
            h = _layer(h, layer, ALBERT, config, math.sqrt(_width(config)), None)
        states.append(h)
    return states


def _mpnet_layers(encoder: Any, h: Tensor) -> list[Tensor]:
    """With a learned number per head and distance, up to 8 exactly and in buckets from there."""
    places = torch.arange(h.shape[1])
    ahead = places[None] - places[:, None]
    far = ahead.abs()
    coarse = 8 + (torch.log(far.float() / 8) / math.log(128 / 8) * 8).nan_to_num(neginf=0).long()
    bucket = torch.where(far < 8, far, coarse.clamp(max=15)) + 16 * (ahead > 0)
    bias = encoder.encoder.relative_attention_bias(bucket).permute(2, 0, 1)
    states = []
    for layer in encoder.encoder.layer:
        h = _layer(h, layer, MPNET, encoder.config, math.sqrt(_width(encoder.config)), lambda *_: bias)
        states.append(h)
    return states


def _buckets(count: int, size: int, longest: int) -> Tensor:
    """DeBERTa's signed distances (query − key): exact up to half of `size`, logarithmic beyond."""
    places = torch.arange(count)
    distance, middle = places[:, None] - places[None], size // 2
    far = torch.where(distance.abs() < middle, middle - 1, distance.abs())
    log = torch.ceil(torch.log(far / middle) / math.log((longest - 1) / middle) * (middle - 1)) + middle
    return torch.where(far <= middle, distance.float(), log * distance.sign()).long()


def _deberta_layers(encoder: Any, h: Tensor) -> list[Tensor]:
    """Scores of content to position and of position to content; the convolution belongs to the first layer."""
    config, stack = encoder.config, encoder.encoder
    span, heads = config.position_buckets, config.num_attention_heads
    scale = torch.tensor(3.0 * _width(config)).sqrt().item()  # the model has it in float32
    distance = _buckets(h.shape[1], span, config.max_position_embeddings)
    row = (distance + span).clamp(0, 2 * span - 1)
    column = (-distance + span).clamp(0, 2 * span - 1)
    relative = stack.LayerNorm(stack.rel_embeddings.weight)
    x, states = h, []
    for layer in stack.layer:
        own = layer.attention.self
        keys, queries = (
            project(relative).unflatten(-1, (heads, -1)).transpose(0, 1) for project in (own.key_proj, own.query_proj)
        )

        def added(q: Tensor, k: Tensor, keys: Tensor = keys, queries: Tensor = queries) -> Tensor:
            to_place = (q @ keys.transpose(-1, -2)).gather(-1, row.expand(*q.shape[:-1], -1))
            to_content = (k @ queries.transpose(-1, -2)).gather(-1, column.expand(*k.shape[:-1], -1))
            return (to_place + to_content.transpose(-1, -2)) / scale

        h = _layer(h, layer, DEBERTA, config, scale, added)
        if not states and stack.conv is not None:
            mixed = stack.conv.conv(x.transpose(1, 2)).transpose(1, 2)
            h = stack.conv.LayerNorm(h + ACT2FN[config.conv_act](mixed))
        states.append(h)
    return states


def _rotated(x: Tensor, base: float) -> Tensor:
    """Rotary positions (rows, sub-tokens, heads, dims); their frequencies are kept in float32."""
    half = x.shape[-1] // 2
    frequencies = 1.0 / (base ** (torch.arange(0, 2 * half, 2, dtype=torch.float) / (2 * half)))
    angles = torch.arange(x.shape[1])[:, None].float() * frequencies
    cos, sin = (turn(angles).to(x.dtype)[:, None] for turn in (torch.cos, torch.sin))
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


def _modernbert_layers(encoder: Any, h: Tensor) -> list[Tensor]:
    """LayerNorms before attention and feed-forward; some layers see neighbours alone."""
    config, places = encoder.config, torch.arange(h.shape[1])
    far = (places[:, None] - places[None]).abs() > config.local_attention // 2
    states = []
    for layer, kind in zip(encoder.layers, config.layer_types, strict=True):
        heads = config.num_attention_heads
        q, k, v = layer.attn.Wqkv(layer.attn_norm(h)).chunk(3, -1)
        base = config.rope_parameters[kind]["rope_theta"]
        q, k = (_rotated(each.unflatten(-1, (heads, -1)), base).flatten(2) for each in (q, k))
        hidden = torch.zeros(far.shape, dtype=h.dtype).masked_fill(far & (kind == "sliding_attention"), -torch.inf)
        h = h + layer.attn.Wo(_attend(q, k, v, heads, math.sqrt(_width(config)), lambda *_, a=hidden: a))
        up, gate = layer.mlp.Wi(layer.mlp_norm(h)).chunk(2, -1)
        h = h + layer.mlp.Wo(ACT2FN[config.hidden_activation](up) * gate)
        states.append(h)
    return states


def _modernbert_head(model: Any, h: Tensor) -> Tensor:
    head = model.head
    act = ACT2FN[model.config.classifier_activation]
    return model.classifier(head.norm(act(head.dense(model.model.final_norm(h)))))


# --- families

WORD, POSITION, TYPE = "word", "position", "token_type"
MODULES = {WORD: "word_embeddings", POSITION: "position_embeddings", TYPE: "token_type_embeddings"}


@dataclass(frozen=True)
class Family:
    """One variant: its configuration, its tokeniser, and the functions of its reference.

    `layers(encoder, x)` are the states after each layer, from the embedding block's output; `head(model, h)` the
    logits of the last. `tables` are those that the embedding block sums, in the order that explanations have;
    `first` is the position of a sentence's first sub-token, None where the embeddings know no positions.
    """

    name: str
    kind: str
    settings: dict[str, Any]
    tokenizer: Callable[[], PreTrainedTokenizerBase]
    layers: Callable[[Any, Tensor], list[Tensor]]
    tables: tuple[str, ...] = (WORD, POSITION, TYPE)
    first: int | None = 0
    head: Callable[[Any, Tensor], Tensor] = lambda model, h: model.classifier(h)
    calls: int = 3

    def config(self, **changes: Any) -> Any:
        """Narrow layers; the wide initial weights make attention and GELU far from linear, yet not so sharp that the
        slow reference would need more nodes than it has.
        """
        settings: dict[str, Any] = {
            "hidden_size": 16,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "intermediate_size": 24,
            "max_position_embeddings": 64,
            "initializer_range": 0.45,
            "id2label": dict(enumerate(LABELS)),
            "label2id": {label: i for i, label in enumerate(LABELS)},
        }
        return AutoConfig.for_model(self.kind, **settings | self.settings | changes)

    def joined(self, model: Any, tables: Tensor) -> Tensor:
        """The embedding block's output from table outputs (…, tables, sub-tokens, width)."""
        block, summed = model.base_model.embeddings, tables.sum(-3)
        summed = block.embed_proj(summed) if getattr(block, "embed_proj", None) is not None else summed
        return (block.norm if self.kind == "modernbert" else block.LayerNorm)(summed)

    def table_outputs(self, model: Any, ids: list[int], places: Tensor) -> Tensor:
        """(tables, sub-tokens, width) of one sentence."""
        block = model.base_model.embeddings
        rows = {WORD: torch.tensor(ids), POSITION: places, TYPE: torch.zeros(len(ids), dtype=torch.long)}
        names = MODULES | ({WORD: "tok_embeddings"} if self.kind == "modernbert" else {})
        return torch.stack([nn.functional.embedding(rows[t], getattr(block, names[t]).weight) for t in self.tables])

    def states(self, model: Any, scalar: Callable[[Tensor], Tensor], tables: bool = False) -> States:
        """From the embedding block's output (rows, sub-tokens, width) to h_0, …, h_L and `scalar(logits)`; or from
        table outputs (rows, tables, sub-tokens, width) to these and the scalar.
        """

        def run(x: Tensor) -> list[Tensor]:
            passed = self.layers(model.base_model, self.joined(model, x) if tables else x)
            return [x, *([] if tables else passed), scalar(self.head(model, passed[-1]))]

        return run

    def places(self, count: int) -> Tensor:
        """Positions of a sentence."""
        return torch.arange(count) + (self.first or 0)

    def reference_outputs(self, model: Any, ids: list[int], positions: str) -> Tensor:
        """(tables, sub-tokens, width) of a reference sentence: with "zero" all at the first position that a text
        has, with "mean" all at the mean of those that it can have, with "same" where a text's are.
        """
        outputs = self.table_outputs(model, ids, self.places(len(ids)))
        if POSITION not in self.tables or positions == "same":
            return outputs
        assert self.first is not None
        real = list(model.base_model.embeddings.position_embeddings.weight)[self.first :]
        outputs[self.tables.index(POSITION)] = real[0] if positions == "zero" else sum(real) / len(real)
        return outputs


ROBERTA = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1, "max_position_embeddings": 66}
DEBERTA_V3 = {
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_buckets": 4,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "position_biased_input": False,
    "type_vocab_size": 0,
}
MODERNBERT = {
    "num_hidden_layers": 4,
    "local_attention": 4,
    "global_attn_every_n_layers": 3,
    "bos_token_id": 2,
    "eos_token_id": 3,
    "cls_token_id": 2,
    "sep_token_id": 3,
    "pad_token_id": 0,
}
ENDS = {"bos_token_id": 2, "eos_token_id": 1, "cls_token_id": 2, "sep_token_id": 1}


def _bert_like(name: str, tokenizer: Callable[[], PreTrainedTokenizerBase], first: int, **settings: Any) -> Family:
    return Family(name, name, settings, tokenizer, _stacked("encoder.layer"), first=first)


def _deberta(name: str, tables: tuple[str, ...], first: int | None, **settings: Any) -> Family:
    return Family(name, "deberta-v2", DEBERTA_V3 | settings, deberta_tokenizer, _deberta_layers, tables, first)


def _albert(name: str, **settings: Any) -> Family:
    return Family(
        name,
        "albert",
        {"embedding_size": 12, "initializer_range": 0.35, **settings},
        albert_tokenizer,
        _albert_layers,
        calls=4,
    )


def _modernbert(name: str, tokenizer: Callable[[], PreTrainedTokenizerBase], **settings: Any) -> Family:
    functions = tokenizer, _modernbert_layers, (WORD,), None, _modernbert_head
    return Family(name, "modernbert", MODERNBERT | settings, *functions, calls=4)


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        _bert_like("bert", bert_tokenizer, 0),
        _bert_like("roberta", roberta_tokenizer, 2, **ROBERTA),
        _bert_like("xlm-roberta", xlm_roberta_tokenizer, 2, **ROBERTA),
        _bert_like("camembert", camembert_tokenizer, 2, **ROBERTA),
        _bert_like("electra", bert_tokenizer, 0, embedding_size=12),
        Family(
            "distilbert",
            "distilbert",
            {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 24, "initializer_range": 0.35},
            distilbert_tokenizer,
            _stacked("transformer.layer", DISTILBERT),
            (WORD, POSITION),
        ),
        _albert("albert", num_hidden_layers=4),
        _albert("albert, 2 groups", num_hidden_layers=4, num_hidden_groups=2),
        _deberta("deberta-v2", (WORD,), None, conv_kernel_size=3, conv_act="gelu"),
        _deberta("deberta-v3", (WORD,), None),
        _deberta(
            "deberta-v2, positions",
            (WORD, POSITION, TYPE),
            0,
            position_biased_input=True,
            type_vocab_size=2,
            embedding_size=12,
        ),
        Family(
            "mpnet",
            "mpnet",
            {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "max_position_embeddings": 66},
            mpnet_tokenizer,
            _mpnet_layers,
            (WORD, POSITION),
            2,
        ),
        _modernbert("modernbert", modernbert_tokenizer),
        _modernbert("mmbert", mmbert_tokenizer, **ENDS, local_attention=6, initializer_range=0.4),
    )
}


def build(name: str, seed: int = 0, **changes: Any) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A model of that variant in float32 and its tokeniser. Biases and the rows of [PAD], which start as zeros, are
    random, and so are the scales of LayerNorms.
    """
    family = FAMILIES[name]
    tokenizer = family.tokenizer()
    torch.manual_seed(seed)
    config = family.config(**{"vocab_size": len(tokenizer)} | changes)
    model = AutoModelForTokenClassification.from_config(config).eval()
    with torch.no_grad():
        for part in model.modules():
            if isinstance(part, nn.Embedding) and part.padding_idx is not None:
                part.weight[part.padding_idx].normal_(std=0.6)
        for key, parameter in model.named_parameters():
            if key.endswith("bias"):
                parameter.normal_(std=0.1)
            elif parameter.dim() == 1:
                parameter.normal_(mean=1, std=0.2)
    return model, tokenizer


def directory(name: str, folder: Path, seed: int = 0, **changes: Any) -> Path:
    """A Hugging Face directory with a model of that variant and its tokeniser; `changes` are of the configuration."""
    model, tokenizer = build(name, seed, **changes)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def both_truths(
    family: Family,
    model: Any,
    ids: list[int],
    reference: list[int],
    scalar: Callable[[Tensor], Tensor],
    positions: str = "mean",
) -> tuple[Truth, Truth]:
    """Truth on the embedding path and on the component path. `model` is float64."""
    places = family.places(len(ids))
    with torch.no_grad():
        end, start = (family.table_outputs(model, row, places) for row in (ids, reference))
        moved = family.reference_outputs(model, reference, positions)
        ends = family.joined(model, end), family.joined(model, start)
    with patch(
        "reference.gauss_legendre", partial(gauss_legendre, panels=6, points=64)
    ):  # as many nodes, in fewer calls
        embedding = integrate_states(family.states(model, scalar), *ends)
        return embedding, integrate_states(family.states(model, scalar, tables=True), end, moved)
