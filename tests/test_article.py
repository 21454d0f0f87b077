"""The article's table, recomputed as published (first node only) and integrated, and compared.

The comparison with the published numbers needs the article's checkpoint, which is not part of this project:

    pytest tests/test_article.py --interp-article-model=DIR

The other tests hold without it that both recomputations are what they are called.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import published
import pytest
import reference
import torch
from tiny import bert_ner_directory, model
from torch import Tensor

from interp.engine.status import IntegrationStatus
from interp.explain import Model, load
from interp.explain.prepare import PreparedQuestion, prepare
from interp.explanation import Explanation, distinct_names, normalised
from interp.question import Question

DATA = Path(os.environ.get("INTERP_DATA", Path(__file__).parents[2] / "shared" / "data"))
TEXT = "Soccer - Steve Tiger gets a lucky win , Rob in surprise defeat"
ROB, SURPRISE = 10, 12

ROUNDING = 0.01
"""Half for the two published decimals, half for the arithmetic: theirs was float32 on a GPU, with libraries of 2020."""
SCORE_ROUNDING = 0.02
"""Of a sum of 15 such numbers."""
INTEGRAL = 2e-3
"""What a sum may miss of F(input) − F(reference), in parts of Σ|attribution|: the tolerance of 1e-3, and rounding."""


@dataclass(frozen=True)
class Way:
    """One way to compute everything in the article: sums per word (word, position and all of the embedding), and more.

    `change` is F(input) − F(reference) as this way has it, on the path of words and on that of the tables.
    """

    name: str
    word: tuple[float, ...]
    position: tuple[float, ...]
    words: tuple[float, ...]
    layers: np.ndarray  # (layers, words)
    spread: tuple[float, ...]  # per layer: the standard deviation over the dimensions of "surprise"
    change: tuple[float, float]

    @property
    def claims(self) -> dict[str, tuple[bool, str]]:
        """What the article concludes, as this way has it. The last three it read from figures; how we read them:

        neighbours are the two words on either side; early and late layers are a third each, for the spread a half. In
        the last layer no word but the target has a gradient: there the last two hold for every model.
        """
        count = len(self.layers)
        third, half = max(1, count // 3), max(1, count // 2)
        near = [i for i in range(ROB - 2, ROB + 3) if i != ROB]
        plain = self.words[1:-1]
        early = self.layers[:third, near].sum(1)
        late = [bool(np.abs(layer).argmax() == ROB) for layer in self.layers[-third:]]
        wide, narrow = fmean(self.spread[:half]), fmean(self.spread[half:])
        leader = distinct_names(TEXT.split())[int(np.argmax(plain))]
        return {
            '"surprise" contributes most': (leader == "surprise", f"on top: {leader}"),
            '"Rob" contributes negatively': (self.words[ROB] < 0, f"{normalised(self.words)[ROB]:+.2f}"),
            "early layers: words next to Rob positive": (bool((early > 0).all()), f"{(early > 0).sum()} of {third}"),
            "late layers: Rob dominates": (all(late), f"{sum(late)} of {third}"),
            '"surprise" varies early, is zero late': (wide > 2 * narrow, f"{wide:.1e}, then {narrow:.1e}"),
        }


def as_published(tagger: Any, one: PreparedQuestion) -> Way:
    words, tables, layers = (each(tagger, one) for each in (published.words, published.tables, published.layers))
    of_word, of_position, _ = (tuple(row.tolist()) for row in tables.sums)
    pieces = [i for i, unit in enumerate(one.encoding.units) if unit == SURPRISE]
    spread = layers.values[:, pieces].sum(1).double().std(-1, correction=0)
    return Way(
        "as published",
        of_word,
        of_position,
        tuple(words.sums.tolist()),
        layers.sums.numpy(),
        tuple(spread.tolist()),
        (words.change, tables.change),
    )


def integrated(explanation: Explanation) -> Way:
    parts, done = explanation.components, explanation.completeness
    return Way(
        "integrated",
        parts.word,
        parts.position,
        explanation.attributions,
        np.array(explanation.layers),
        tuple(float(np.std(row)) for row in explanation.zoom.layers),
        tuple(path.at_input - path.at_reference for path in (done.embedding, done.components)),
    )


@dataclass(frozen=True)
class Compared:
    """What the article published beside both recomputations."""

    article: dict[str, Any]
    explanation: Explanation
    pieces: int
    before: Way
    after: Way

    def of_article(self, table: str) -> list[float]:
        """A published table in the order of the sentence."""
        return [value for _, _, value in sorted(self.article[f"{table}_embedding"], key=lambda row: row[1])]

    def off(self, table: str) -> list[str]:
        """Rows of a table that are not as published, as text."""
        found = normalised(getattr(self.before, table))
        rows = zip(self.article["tokens"], self.of_article(table), found, strict=True)
        return [
            f"{table} table, {word}: published {told:+.2f}, recomputed {value:+.4f}"
            for word, told, value in rows
            if not abs(told - value) <= ROUNDING
        ]

    @property
    def lines(self) -> Iterator[str]:
        """The table, readable: both of the article's columns, and the word importance line, which it only drew."""
        target, ways = self.explanation.target, (self.before, self.after)
        yield f'"Rob" is {target.predicted[0]}; P({target.tags[0]}) = {target.probabilities[0]:.6f}'
        yield "divided by the L2 norm over the words:"
        yield f"{'':10}{'word table':>33}{'position table':>33}{'words':>22}"
        heads = ["recomputed", "integrated"]
        yield f"{'':10}" + "".join(f"{head:>11}" for head in [*["article", *heads] * 2, *heads])
        columns: list[Sequence[float]] = []
        for table in ("word", "position"):
            columns += [self.of_article(table), *(normalised(getattr(way, table)) for way in ways)]
        columns += [normalised(way.words) for way in ways]
        for word, *row in zip(self.article["tokens"], *columns, strict=True):
            yield f"{word:10}" + "".join(f"{x:+11.2f}" if k in (0, 3) else f"{x:+11.4f}" for k, x in enumerate(row))
        for way in ways:
            score = sum(normalised(way.words))
            yield f"{way.name}: attribution score {score:.4f} (article {self.article['attribution_score']:.2f})"
            for name, found, change in zip(("words", "tables"), sums(way), way.change, strict=True):
                yield f"{way.name}: {name} sum to {found:+.5f}, F(input) - F(reference) = {change:+.5f}"
        for claim in self.before.claims:
            told = (f"{way.name}: {'yes' if way.claims[claim][0] else 'no'} ({way.claims[claim][1]})" for way in ways)
            yield f"{claim}? {'; '.join(told)}"


def sums(way: Way) -> tuple[float, float]:
    """Over the words, and over the words of both tables (token types do not change)."""
    return sum(way.words), sum(way.word) + sum(way.position)


def compare(folder: Path, article: dict[str, Any]) -> Compared:
    subject = load(folder, "cpu")
    tag = article["target"]["tag"]
    (one,) = prepare(subject.tagger, [Question(article["text"], ROB, tag=tag, zoom=SURPRISE, positions="zero")])
    explanation = subject.explain(article["text"], ROB, tag=tag, zoom=SURPRISE, positions="zero")
    before, after = as_published(subject.tagger, one), integrated(explanation)
    return Compared(article, explanation, len(one.encoding.ids), before, after)


# --- with the checkpoint


@pytest.fixture(scope="module")
def compared(pytestconfig: pytest.Config) -> Compared:
    given = pytestconfig.getoption("--interp-article-model")
    if given is None:
        pytest.skip("the article's checkpoint (kamalkraj/BERT-NER, out_base) is needed: --interp-article-model=DIR")
    path = DATA / "article.json"
    if not path.is_file():
        pytest.fail(f"What the article published is not at {path}: set INTERP_DATA to its folder.", pytrace=False)
    return compare(pytestconfig.invocation_params.dir / given, json.loads(path.read_text(encoding="utf-8")))


def test_the_article_recomputed_both_ways(
    compared: Compared, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """As published, the numbers come out; integrated, they are complete. What else differs is told, not asserted."""
    lines = list(compared.lines)
    record_property("article", "\n".join(lines))
    with capsys.disabled():
        print("", *lines, sep="\n")
    wrong = [*differences(compared), *incomplete(compared)]
    if wrong:
        pytest.fail("\n".join(["The article's numbers do not come out:", *wrong]), pytrace=False)


def differences(found: Compared) -> Iterator[str]:
    """What the article says and the recomputation as published does not."""
    article, told = found.article, found.explanation
    for asked, index in (("target", ROB), ("zoom", SURPRISE)):
        word, expected = told.words[index], article[asked]
        if (word.text, word.tag) != (expected["word"], expected["tag"]):
            yield f"{word.text} is tagged {word.tag}, published: {expected['word']} {expected['tag']}"
        elif not abs(word.probability - expected["confidence"]) <= 1e-5:
            yield f"{word.text} is {word.tag} with {word.probability:.6f}, published: {expected['confidence']:.6f}"
    if found.pieces != len(article["tokens"]):
        yield f"the sentence is {found.pieces} sub-tokens, published: {len(article['tokens'])}"
    yield from found.off("word")
    yield from found.off("position")
    score = sum(normalised(found.before.words))
    if not abs(score - article["attribution_score"]) <= SCORE_ROUNDING:
        yield f"the attribution score is {score:.4f}, published: {article['attribution_score']}"
    for claim, (holds, why) in list(found.before.claims.items())[:2]:
        if not holds:
            yield f"as published, {claim}: no ({why})"


def incomplete(found: Compared) -> Iterator[str]:
    """Integrated sums that miss F(input) − F(reference), and sums as published that do not."""
    done, way = found.explanation.completeness, found.after
    yield from (
        f"the {name} path is {path.status.value} (estimate {path.estimate:.1e})"
        for name, path in done.paths.items()
        if path.status is not IntegrationStatus.CONVERGED
    )
    rows: list[tuple[str, Sequence[float], float]] = [
        ("words", way.words, way.change[0]),
        ("tables", (*way.word, *way.position), way.change[1]),
        *((f"layer {i}", row, way.change[0]) for i, row in enumerate(way.layers.tolist(), 1)),
    ]
    for name, row, change in rows:
        if not abs(sum(row) - change) <= INTEGRAL * sum(map(abs, row)):
            yield f"integrated {name} sum to {sum(row):.5f}, F(input) - F(reference) is {change:.5f}"
    for name, total, change in zip(("words", "tables"), sums(found.before), found.before.change, strict=True):
        if not abs(total - change) > abs(change) / 2:
            yield f"{name} as published sum to {total:.5f} of {change:.5f}: not the article's error"


# --- without it


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A tiny BERT-NER directory in float64; "Tiger" and "surprise" are two sub-tokens each."""
    return load(bert_ner_directory(tmp_path_factory.mktemp("article") / "ner"), "cpu", "float64")


def asked(subject: Model) -> PreparedQuestion:
    return prepare(subject.tagger, [Question(TEXT, ROB, tag="B-PER", zoom=SURPRISE, positions="zero")])[0]


def first_nodes(count: int) -> tuple[list[float], float]:
    """The two nodes next to the reference, and the first one's weight."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return [float(1 + node) / 2 for node in nodes[:2]], float(weights[0]) / 2


def by_word(one: PreparedQuestion, values: Tensor) -> np.ndarray:
    """Sums over dimensions, then over the sub-tokens of each word."""
    found = np.zeros((*values.shape[:-2], len(one.encoding.words) + 2))
    for i, unit in enumerate(one.encoding.units):
        found[..., unit] += values[..., i, :].sum(-1).numpy()
    return found


def by_hand(subject: Model, one: PreparedQuestion) -> dict[str, np.ndarray]:
    """Gradient of the best logit at the node next to the reference, times the difference, times that node's weight."""
    network, (place,) = subject.tagger.model, one.objective.positions
    block, count = network.bert.embeddings, len(one.encoding.ids)
    pads = [own if own in (2, 3) else 0 for own in one.encoding.ids]  # [CLS] and [SEP] stay
    origin, places, kinds = torch.zeros(count, dtype=torch.long), torch.arange(count), torch.zeros(count).long()

    def state(ids: Sequence[int], where: Tensor) -> Tensor:
        tables = [block.word_embeddings(torch.tensor(ids)), block.position_embeddings(where)]
        return torch.stack([*tables, block.token_type_embeddings(kinds)]).detach()

    def best(logits: Tensor) -> Tensor:
        return logits[:, place].max(-1).values

    found = {}
    (alpha, _), weight = first_nodes(50)
    end, start = state(one.encoding.ids, places), state(pads, origin)
    row = (start + alpha * (end - start))[None].requires_grad_()
    value = reference.bert_states(network, best, tables=True)(row)[-1]
    found["tables"] = by_word(one, weight * torch.autograd.grad(value, row)[0][0] * (end - start))

    states = reference.bert_states(network, best)
    end, start = (block.LayerNorm(each.sum(0)).detach() for each in (end, state(pads, places)))
    row = (start + alpha * (end - start))[None].requires_grad_()
    found["words"] = by_word(one, weight * torch.autograd.grad(states(row)[-1], row)[0][0] * (end - start))

    # Captum's conductance takes one node more, the step of a layer's output from node to node, and no weights.
    (alpha, after), _ = first_nodes(51)
    *here, value = states((start + alpha * (end - start))[None].requires_grad_())
    *there, _ = states((start + after * (end - start))[None])
    slopes = torch.autograd.grad(value, here[1:])
    steps = [(b - a).detach() for a, b in zip(here[1:], there[1:], strict=True)]
    found["layers"] = by_word(one, torch.cat([slope * step for slope, step in zip(slopes, steps, strict=True)]))
    return found


@pytest.mark.parametrize("part", ["words", "tables", "layers"])
def test_as_published_is_one_gradient(small: Model, part: str) -> None:
    """Next to the reference, nowhere else; to 1e-6, for Captum has its weights in float32."""
    one = asked(small)
    found = getattr(published, part)(small.tagger, one).sums.numpy()
    expected = by_hand(small, one)[part]
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-6 * np.abs(expected).max()
    assert expected.any()


def test_token_types_give_nothing(small: Model) -> None:
    of_word, of_position, of_type = published.tables(small.tagger, asked(small)).sums
    assert of_word.any() and of_position.any() and not of_type.any()


@pytest.mark.parametrize("bundled", [False, True], ids=["BERT-NER", "planted"])
def test_only_the_integrated_sums_are_complete(small: Model, bundled: bool) -> None:
    subject = load("planted", "cpu") if bundled else small
    one = asked(subject)
    explanation = subject.explain(TEXT, ROB, tag="B-PER", zoom=SURPRISE, positions="zero")
    compared = Compared({}, explanation, 0, as_published(subject.tagger, one), integrated(explanation))
    assert not list(incomplete(compared))
    assert [len(row) for row in (compared.before.word, compared.after.word)] == [15, 15]
    assert compared.before.layers.shape == compared.after.layers.shape


def test_the_story_is_read_as_it_is_known_on_planted() -> None:
    """`surprise` decides there by construction, and its evidence moves to "Rob"."""
    claims = integrated(load("planted", "cpu").explain(TEXT, ROB, tag="B-PER", zoom=SURPRISE)).claims
    assert [holds for holds, _ in claims.values()][::3] == [True, True]
    assert claims['"Rob" contributes negatively'] == (False, "+0.03")


# --- the comparison's own words


def made_up(found: Compared) -> dict[str, Any]:
    """An article that published what a model gives: two decimals, and its tables sorted."""
    target, zoom = (
        {"word": word.text, "tag": word.tag, "confidence": word.probability}
        for word in (found.explanation.words[ROB], found.explanation.words[SURPRISE])
    )
    tokens = [word.text for word in found.explanation.words]

    def table(values: Sequence[float]) -> list[tuple[str, int, float]]:
        rows = zip(tokens, range(len(tokens)), normalised(values), strict=True)
        return sorted(((word, i, round(value, 2)) for word, i, value in rows), key=lambda row: -row[2])

    return {
        "text": TEXT,
        "tokens": tokens,
        "target": target,
        "zoom": zoom,
        "attribution_score": round(sum(normalised(found.before.words)), 2),
        "word_embedding": table(found.before.word),
        "position_embedding": table(found.before.position),
    }


def test_numbers_as_published_are_told_from_others() -> None:
    """On `planted`, as if it had been published; that "Rob" speaks against itself is then the one thing not so."""
    subject = load("planted", "cpu")
    explanation = subject.explain(TEXT, ROB, tag="B-PER", zoom=SURPRISE, positions="zero")
    before = as_published(subject.tagger, asked(subject))
    found = Compared({}, explanation, 15, before, integrated(explanation))
    article = made_up(found)
    positive = 'as published, "Rob" contributes negatively: no (+0.26)'
    assert list(differences(replace(found, article=article))) == [positive]
    shifted = [(word, i, value + 0.02 * (word == "in")) for word, i, value in article["position_embedding"]]
    changes: list[tuple[dict[str, Any], str]] = [
        ({"target": article["target"] | {"tag": "B-LOC"}}, "Rob is tagged B-PER, published: Rob B-LOC"),
        ({"zoom": article["zoom"] | {"confidence": 0.9}}, "surprise is O with 0.99"),
        ({"attribution_score": article["attribution_score"] + 0.03}, "the attribution score is"),
        ({"position_embedding": shifted}, "position table, in: published"),
    ]
    for change, message in changes:
        first, *rest = differences(replace(found, article=article | change))
        assert first.startswith(message) and rest == [positive]
    assert "3 sub-tokens, published: 15" in next(differences(replace(found, article=article, pieces=3)))


@pytest.mark.slow  # one more process; what it computes and prints is held in this one
def test_the_options_run_ends_with_readable_differences(small: Model, tmp_path: Path) -> None:
    """In a process of its own, on a directory that is not the article's checkpoint."""
    folder = small.info.name
    article = made_up(compare(Path(folder), {"text": TEXT, "target": {"tag": "B-PER"}}))
    article["word_embedding"] = [(w, i, value - 0.5 * (i == ROB)) for w, i, value in article["word_embedding"]]
    (tmp_path / "article.json").write_text(json.dumps(article))
    command = f"-P -m pytest {__file__} -k both_ways -p no:cacheprovider".split()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, *command, f"--interp-article-model={folder}"],
        cwd=Path(__file__).parents[1],
        env=clean | {"INTERP_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    table, failure = done.stdout.split("The article's numbers do not come out:")[:2]
    assert '"surprise" contributes most? as published: ' in table
    assert re.search(r"^Rob( +[+-][\d.]+){8}$", table, re.MULTILINE)
    assert re.search(r"^word table, Rob: published [+-].*, recomputed [+-].*$", failure, re.MULTILINE)
    assert "Traceback" not in done.stdout and "Error" not in failure


@pytest.mark.skipif(not (DATA / "article.json").is_file(), reason=f"no article.json at {DATA}: set INTERP_DATA")
def test_the_published_file_and_the_real_vocabulary_fit(tmp_path: Path) -> None:
    """With the real labels and vocabulary and random weights: one sub-token a word, tag 4 is B-PER, every row told."""
    article = json.loads((DATA / "article.json").read_text(encoding="utf-8"))
    folder = Path(shutil.copytree(DATA / "bert-ner", tmp_path / "real", copy_function=shutil.copyfile))
    folder.chmod(0o755)
    settings = json.loads((folder / "config.json").read_text())
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    (folder / "config.json").write_text(json.dumps(settings | small))
    labels = {i: str(i) for i in range(settings["num_labels"])}
    sizes = {key: settings[key] for key in ("vocab_size", "max_position_embeddings")}
    torch.save(model(1, **small, **sizes, id2label=labels).state_dict(), folder / "pytorch_model.bin")
    found = compare(folder, article)
    assert [word.text for word in found.explanation.words] == article["tokens"]
    assert found.pieces == len(article["tokens"])
    assert found.explanation.model.labels[article["target"]["tag_index"]] == article["target"]["tag"]
    assert [found.explanation.words[i].text for i in (ROB, SURPRISE)] == ["Rob", "surprise"]
    told = list(differences(found))
    for table in ("word", "position"):
        _, index, value = max(article[f"{table}_embedding"], key=lambda row: abs(row[2]))
        start = f"{table} table, {article['tokens'][index]}: published {value:+.2f}, recomputed "
        assert [line for line in told if line.startswith(start)]
    assert len(list(found.lines)) > 20
