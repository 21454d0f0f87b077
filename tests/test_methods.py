"""Other methods against what is not theirs: autograd by hand, subsets enumerated, fits of our own, closed cases."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from itertools import combinations, permutations
from math import factorial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
import samples
import torch
from click.testing import CliRunner, Result
from families import directory
from jsonschema import Draft202012Validator
from reference import bert_states
from rich.cells import cell_len
from rich.console import Console
from tiny import SENTENCE, tagger_directory
from torch import Tensor, nn
from transformers import BertForTokenClassification

import interp
from interp.cli import main
from interp.engine.budget import rows_within
from interp.errors import DeviceError, InputError
from interp.explain import Model, load
from interp.explain.methods import METHODS, MethodRefusedError
from interp.explain.methods import run as methods_run
from interp.explanation import Explanation
from interp.explanation.agreement import group_by_method, method_overlaps, rank_biased_overlap, reference_agreements
from interp.explanation.document import schema, to_document
from interp.question import INTEGRATED_GRADIENTS, MethodName, Question
from interp.report.html.pages import explanations_page
from interp.report.terminal.explanation import show_explanations
from interp.versions import install_command

torch.set_num_threads(1)
CASE = Question(SENTENCE, "Rob#2", tag="B-PER")
UNITS = torch.tensor([0, 1, 2, 2, 3, 4, 4, 5, 6, 7])  # of SENTENCE's sub-tokens
SHORT = Question("Rob wins in", "Rob", tag="B-PER")
SHORT_UNITS = torch.tensor([0, 1, 2, 2, 3, 4])
DRAWING = [name for name, row in METHODS.items() if row.samples]
EVERY = pytest.mark.parametrize("name", list(METHODS))


class ByHand:
    """F and both ends of the path on the bare model, run layer by layer in float64."""

    def __init__(self, tiny: Path, model: Model, case: Question, position: int) -> None:
        bare = BertForTokenClassification.from_pretrained(tiny, attn_implementation="eager").double().eval()
        encoding = model.tagger.encode(case.words)
        ids = torch.tensor([encoding.ids])
        with torch.no_grad():
            self.input = bare.bert.embeddings(input_ids=ids)[0]
            padded = torch.where(torch.tensor(encoding.special), ids, torch.zeros_like(ids))
            self.reference = bare.bert.embeddings(input_ids=padded)[0]
        self._states = bert_states(bare, lambda logits: logits[:, position, 1])

    def __call__(self, states: Tensor) -> Tensor:
        return self._states(states)[-1]

    def gradient(self) -> Tensor:
        leaf = self.input.clone()[None].requires_grad_(True)
        return torch.autograd.grad(self(leaf).sum(), leaf)[0][0]

    def present(self, units: Tensor, chosen: set[int]) -> float:
        """F with those words as in the input, all others as in the reference."""
        on = torch.tensor([int(unit) in chosen for unit in units])[:, None]
        with torch.no_grad():
            return float(self(torch.where(on, self.input, self.reference)[None]))


@pytest.fixture(scope="module")
def by_hand(tiny: Path, model64: Model) -> ByHand:
    return ByHand(tiny, model64, CASE, 8)


@pytest.fixture(scope="module")
def short(tiny: Path, model64: Model) -> ByHand:
    return ByHand(tiny, model64, SHORT, 1)


def explain(model: Model, name: str, case: Question = CASE, **options: Any) -> Explanation:
    return next(model.explain_many([case], method=name, **options))


def per_word(values: Tensor, units: Tensor = UNITS) -> np.ndarray:
    """(sub-tokens, hidden) to one sum per word."""
    return torch.zeros(int(units.max()) + 1, dtype=values.dtype).index_add(0, units, values.detach().sum(-1)).numpy()


# --- what each method measures


def test_saliency_is_the_size_of_the_gradient(model64: Model, by_hand: ByHand) -> None:
    found = explain(model64, "saliency")
    assert found.attributions == pytest.approx(per_word(by_hand.gradient().abs()), rel=1e-9)
    assert found.method is not None and not found.method.signed and found.method.residual is None


def test_input_x_gradient(model64: Model, by_hand: ByHand) -> None:
    found = explain(model64, "input-x-gradient")
    assert found.attributions == pytest.approx(per_word(by_hand.gradient() * by_hand.input), rel=1e-9)


def test_deep_lift_is_the_gradient_where_it_has_no_rule(model64: Model, by_hand: ByHand) -> None:
    """BERT's GELU, softmax and LayerNorm are none of its activations."""
    found = explain(model64, "deep-lift")
    expected = per_word(by_hand.gradient() * (by_hand.input - by_hand.reference))
    assert found.attributions == pytest.approx(expected, rel=1e-9)
    assert found.method is not None and found.method.residual is not None
    assert abs(found.method.residual) > 0.01 and found.method.complete == "no"


def test_occlusion_puts_the_reference_in_a_words_place(model64: Model, by_hand: ByHand) -> None:
    every = set(range(8))
    full = by_hand.present(UNITS, every)
    expected = [full - by_hand.present(UNITS, every - {unit}) for unit in range(8)]
    found = explain(model64, "occlusion").attributions
    assert found == pytest.approx(expected, abs=1e-6 * max(map(abs, expected)))  # Captum keeps them in float32


def exact_shapley(game: ByHand, units: Tensor, players: list[int]) -> dict[int, float]:
    """Every subset of the other players, weighted by how many orders have it before the player."""
    count = len(players)
    found = {}
    for player in players:
        others = [each for each in players if each != player]
        found[player] = sum(
            factorial(size)
            * factorial(count - size - 1)
            / factorial(count)
            * (game.present(units, {*some, player}) - game.present(units, set(some)))
            for size in range(count)
            for some in combinations(others, size)
        )
    return found


@pytest.fixture(scope="module")
def many_orders(model64: Model) -> Explanation:
    return explain(model64, "shapley", SHORT, samples=900)


def test_shapley_is_the_mean_over_orders(model64: Model, short: ByHand, many_orders: Explanation) -> None:
    expected = exact_shapley(short, SHORT_UNITS, [1, 2, 3])
    few, many = explain(model64, "shapley", SHORT, samples=100), many_orders
    for found in (few, many):
        assert found.method is not None and found.method.errors is not None and found.method.residual is not None
        for unit, value in expected.items():
            assert abs(found.attributions[unit] - value) < 4 * found.method.errors[unit]
        total = found.at_input - found.at_reference
        assert found.score == pytest.approx(
            total, abs=1e-6 * max(map(abs, found.attributions))
        )  # Captum adds in float32
        assert found.attributions[0] == found.attributions[-1] == 0.0  # the reference keeps them
    ratio = np.array(many.method.errors)[1:4] / np.array(few.method.errors)[1:4]  # type: ignore[union-attr]
    assert ratio == pytest.approx([1 / 3] * 3, rel=0.15)


def test_a_standard_error_of_orders_is_that_of_their_spread(short: ByHand, many_orders: Explanation) -> None:
    values = []
    for order in permutations([1, 2, 3]):
        before = order[: order.index(1)]
        values.append(short.present(SHORT_UNITS, {*before, 1}) - short.present(SHORT_UNITS, set(before)))
    found = many_orders
    assert found.method is not None and found.method.errors is not None
    assert found.method.errors[1] == pytest.approx(np.std(values) / 30, rel=0.1)


def test_gradient_shap_is_integrated_gradients_by_chance(model64: Model) -> None:
    expected = next(model64.explain_many([replace(CASE, without=("components", "layers"))], tolerance=1e-5))
    found = explain(model64, "gradient-shap", samples=800)
    assert found.method is not None and found.method.errors is not None and found.method.residual_error is not None
    apart = np.abs(np.subtract(found.attributions, expected.attributions))
    assert (apart <= 4 * np.array(found.method.errors) + 1e-9).all() and apart.max() > 1e-6
    assert abs(found.method.residual or 0) < 4 * found.method.residual_error
    assert found.method.evaluations == 802


class Linear:
    """A scorer whose F is linear in its switches, and which keeps what it was asked."""

    def __init__(self, weights: list[float], bend: float = 0.0) -> None:
        self.weights, self.bend, self.rows = torch.tensor(weights), bend, 7
        self.input = torch.zeros(1)
        self.asked: list[tuple[Tensor, Tensor]] = []

    def switched(self, on: Tensor) -> Tensor:
        assert len(on) <= self.rows
        values = (on.float() @ self.weights + 0.3 + self.bend * on[:, 0] * on[:, 1]).double()
        self.asked.append((on, values))
        return values

    def all_on(self) -> Tensor:
        return torch.ones(1, len(self.weights))

    def spread(self, switches: Tensor) -> Tensor:
        return switches.detach().double()


def test_lime_finds_a_linear_function() -> None:
    scorer = Linear([2.0, -1.0, 0.5, 0.0])
    fits = METHODS["lime"].attribute(scorer, 40)  # type: ignore[arg-type]
    assert fits.shape == (8, 4) and torch.allclose(fits, scorer.weights.double(), atol=1e-4)


def test_lime_is_a_weighted_least_squares_fit() -> None:
    """Of the very sentences that it drew, with weights exp(−d²/2), d the cosine distance from all words on."""
    scorer = Linear([2.0, -1.0, 0.5, 0.0], bend=3.0)
    fits = METHODS["lime"].attribute(scorer, 40)  # type: ignore[arg-type]
    on, values = (torch.cat(each) for each in zip(*scorer.asked, strict=True))
    for fit, rows, outputs in zip(fits, on.double().split(40), values.split(40), strict=True):
        distance = 1 - (rows.sum(-1) / rows.shape[1]).sqrt()
        root = (-(distance**2) / 2).exp().sqrt()[:, None]
        design = torch.cat([rows, torch.ones(len(rows), 1)], 1).double()
        expected = torch.linalg.lstsq(root * design, root * outputs[:, None].double()).solution[:4, 0]
        assert torch.allclose(fit, expected, atol=1e-4)


def test_lime_near_the_truth_on_a_tagger(model64: Model, by_hand: ByHand) -> None:
    found = explain(model64, "lime", samples=400)
    assert found.method is not None and found.method.parameters == {"samples": 400, "fits": 8, "kernel_width": 1.0}
    assert found.method.evaluations == 8 * 400 + 2
    full = by_hand.present(UNITS, set(range(8)))
    assert found.at_input == pytest.approx(full, abs=1e-9)


# --- DeepLift: exact where it has rules, refused where modules are shared


class Net(nn.Module):
    def __init__(self, shared: bool = False) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(6, 5), nn.Linear(5, 5), nn.Linear(5, 1)
        self.one = nn.ReLU()
        self.two = self.one if shared else nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.two(self.second(self.one(self.first(x.flatten(1)))))).squeeze(-1)


def net_scorer(net: Net) -> Any:
    """Two sub-tokens of three features, each a word."""

    class Scorer(SimpleNamespace):
        def __call__(self, states: Tensor) -> Tensor:
            return self.tagger.model(states)

    generator = torch.Generator().manual_seed(0)
    start, end = torch.randn(2, 2, 3, generator=generator)
    return Scorer(
        tagger=SimpleNamespace(model=net, parts=SimpleNamespace(layers=[], shared=False)),
        input=end,
        reference=start,
        per_word=lambda values: values.detach().double().sum(-1),
        leaf=lambda: end.clone()[None].requires_grad_(True),
    )


def test_deep_lift_is_complete_on_relu() -> None:
    torch.manual_seed(1)
    scorer = net_scorer(net := Net())
    found = METHODS["deep-lift"].attribute(scorer, 1)
    with torch.no_grad():
        total = float(net(scorer.input[None]) - net(scorer.reference[None]))
        before = [net.first(state.flatten()) for state in (scorer.input, scorer.reference)]
        between = [net.second(each.relu()) for each in before]
        ratios = [(a.relu() - b.relu()) / (a - b) for a, b in (before, between)]
        slope = (net.last.weight[0] * ratios[1]) @ net.second.weight * ratios[0] @ net.first.weight
    expected = (slope.view(2, 3) * (scorer.input - scorer.reference)).sum(-1)
    assert float(found.sum()) == pytest.approx(total, rel=1e-5)
    assert torch.allclose(found[0], expected.double(), rtol=1e-4)
    assert not left_behind(net)


def test_deep_lift_refuses_a_shared_activation() -> None:
    with pytest.raises(MethodRefusedError, match="choose another method, such as gradient-shap or shapley"):
        METHODS["deep-lift"].attribute(net_scorer(net := Net(shared=True)), 1)
    assert not left_behind(net)


@pytest.fixture
def sharing(tiny: Path) -> Model:
    """A tagger whose first layer runs twice."""
    model = load(tiny, "cpu")
    layers = model.tagger.model.base_model.encoder.layer
    layers[1] = layers[0]
    return model


def test_deep_lift_refuses_shared_layers_and_the_rest_is_compared(sharing: Model) -> None:
    with pytest.raises(MethodRefusedError, match="run once"):
        explain(sharing, "deep-lift")
    found = sharing.compare_methods(CASE, samples=20)
    assert [each.method_name for each in found] == [INTEGRATED_GRADIENTS, *(n for n in METHODS if n != "deep-lift")]
    assert "shares them" in found[0].absent["method deep-lift"]
    assert "deep-lift: refused. DeepLift needs" in " ".join(terminal(found).split())
    assert "DeepLift needs" in explanations_page(found)


def test_deep_lift_refuses_albert(tmp_path: Path) -> None:
    model = load(directory("albert", tmp_path / "albert"), "cpu")
    with pytest.raises(MethodRefusedError, match="shares them"):
        explain(model, "deep-lift", Question(["Rob", "wins"], 1))


def left_behind(module: nn.Module) -> list[str]:
    """Hooks, and what DeepLift keeps on activations."""
    return [
        name
        for part in module.modules()
        for name, value in vars(part).items()
        if (name.endswith("_hooks") and value) or name in ("input", "output", "input_ref")
    ]


# --- what is as it was


@EVERY
def test_the_model_and_the_generators_are_as_they_were(tmp_path: Path, name: str) -> None:
    model = load(tagger_directory(tmp_path, hidden_act="relu"), "cpu")
    bare = model.tagger.model
    weight = next(bare.parameters()).requires_grad_(True)
    bare.train()
    torch.manual_seed(11)
    np.random.seed(11)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index]
    explain(model, name, **({"samples": 20} if name in DRAWING else {}))
    assert not left_behind(bare) and bare.training and weight.requires_grad and weight.grad is None
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # type: ignore[index]


def test_nothing_is_left_after_an_exception(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(tagger_directory(tmp_path, hidden_act="relu"), "cpu")
    scores, hooked = model.tagger.scores, []

    def failing(*arguments: Any) -> Tensor:
        value = scores(*arguments)
        if hooks := left_behind(model.tagger.model):
            hooked.extend(hooks)
            if "output" in hooks:
                raise RuntimeError("out of luck")
        return value

    monkeypatch.setattr(model.tagger, "scores", failing)
    with pytest.raises(RuntimeError, match="out of luck"):
        explain(model, "deep-lift")
    assert "_forward_hooks" in hooked and not left_behind(model.tagger.model)


@pytest.mark.parametrize("name", DRAWING)
def test_a_seed_repeats(model32: Model, name: str) -> None:
    one, again, other = (explain(model32, name, samples=20, seed=seed) for seed in (3, 3, 4))
    assert one == again and one.attributions != other.attributions
    assert one.method is not None and one.method.seed == 3


# --- memory


@EVERY
def test_rows_stay_within_the_budget(model32: Model, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    tagger, seen = model32.tagger, []
    scores = tagger.scores
    row = tagger.cost(10, 1, layers=False).row
    budget = int(3.5 * row / 0.7)
    assert rows_within(budget, 10, row, device="cpu") == 3
    monkeypatch.setattr(tagger, "scores", lambda e, o, states: seen.append(len(states)) or scores(e, o, states))
    options = {"samples": 10} if name in DRAWING else {}
    tight = explain(model32, name, memory=budget, **options)
    assert max(seen) <= 3 and tight.run.rows_per_forward == 3
    assert tight.method is not None and tight.method.evaluations in (sum(seen), sum(seen) - 1)
    wide = explain(model32, name, **options)
    assert wide.attributions == pytest.approx(tight.attributions, abs=1e-4)


@EVERY
def test_too_small_a_budget_is_told(model32: Model, name: str) -> None:
    with pytest.raises(DeviceError, match=r"too small: this text needs .* MiB \(`memory`\)"):
        explain(model32, name, memory="1kB")


# --- questions without an answer


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("occlussion", {}, 'did you mean "occlusion"'),
        ("ig", {}, "choose one of integrated-gradients, saliency"),
        ("saliency", {"samples": 10}, "choose one that does: gradient-shap, shapley, lime"),
        ("lime", {"samples": 7}, "needs 8 samples at least here, not 7: raise `samples`"),
        ("shapley", {"samples": 1}, "needs 2 samples"),
        ("shapley", {"seed": -1}, "choose one from 0"),
    ],
)
def test_what_does_not_fit_is_one_sentence(model32: Model, name: str, options: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        explain(model32, name, **options)


def test_a_zoom_is_refused(model32: Model) -> None:
    with pytest.raises(InputError, match="drop `zoom`"):
        explain(model32, "lime", replace(CASE, zoom="wins"))
    with pytest.raises(InputError, match="drop `zoom`"):
        model32.compare_methods(replace(CASE, zoom="wins"))


@pytest.mark.parametrize(("name", "missing"), [("shapley", "captum"), ("lime", "scikit-learn")])
def test_missing_packages_are_named(model32: Model, monkeypatch: pytest.MonkeyPatch, name: str, missing: str) -> None:
    def version(package: str) -> str:
        if package == missing:
            raise PackageNotFoundError(package)
        return "1"

    monkeypatch.setattr(methods_run, "version", version)
    with pytest.raises(InputError, match=re.escape(f"needs {missing}: {install_command('methods')}")):
        explain(model32, name)


@EVERY
def test_a_sentence_that_is_its_own_reference(model32: Model, name: str) -> None:
    """No word can be switched, but gradients are still there."""
    found = explain(model32, name, Question(["[PAD]", "[PAD]"], 1))
    moved = any(found.attributions[1:-1])
    assert moved == (name in ("saliency", "input-x-gradient"))
    assert all(map(np.isfinite, found.attributions))


@EVERY
def test_low_precision_runs(tiny: Path, name: str) -> None:
    found = explain(load(tiny, "cpu", "bfloat16"), name)
    assert all(map(np.isfinite, found.attributions)) and any(found.attributions)


# --- agreement


def slow_overlap(first: list[int], second: list[int], p: float, depth: int) -> float:
    """(1 − p) Σ_d p^(d−1) A_d, to a depth where p^d is nothing; beyond the lists agreement stays what it is."""
    total = 0.0
    for d in range(1, depth + 1):
        n = min(d, len(first))
        total += p ** (d - 1) * len(set(first[:n]) & set(second[:n])) / n
    return (1 - p) * total


@pytest.mark.parametrize("p", [0.5, 0.9, 0.98])
def test_overlap_is_the_infinite_sum(p: float) -> None:
    draw = np.random.default_rng(0)
    for count in (1, 2, 5, 13, 40):
        first, second = (draw.permutation(count).tolist() for _ in range(2))
        expected = slow_overlap(first, second, p, 4000)
        assert rank_biased_overlap(first, second, p) == pytest.approx(expected, abs=1e-12)
        assert rank_biased_overlap(second, first, p) == pytest.approx(expected, abs=1e-12)


def test_overlap_in_closed_cases() -> None:
    assert rank_biased_overlap("abcde", "abcde") == pytest.approx(1)
    assert rank_biased_overlap("ab", "ba", 0.9) == pytest.approx(0.9)  # all but the first place agree
    assert rank_biased_overlap("abc", "cba", 0.5) == pytest.approx(0.5 * (0 + 0.5 / 2) + 0.25)
    assert rank_biased_overlap("bacdef", "abcdef") < rank_biased_overlap("abcdfe", "abcdef")  # the top counts most
    for first, second in (("ab", "abc"), ("ab", "ac"), ("aa", "aa")):
        with pytest.raises(ValueError, match="the same items"):
            rank_biased_overlap(first, second)


def test_methods_are_not_taken_for_references() -> None:
    found = samples.by_methods()
    other = [replace(each, reference=replace(each.reference, kind="mask")) for each in found]
    assert not reference_agreements(found) and len(reference_agreements([*found, *other])) == 3
    assert [len(same) for same in group_by_method([*found, *other])] == [3, 3]
    assert [(pair.first, pair.second) for _, pair in method_overlaps(found)] == [
        ("integrated-gradients", "lime"),
        ("integrated-gradients", "saliency"),
        ("lime", "saliency"),
    ]
    assert not method_overlaps([found[0], found[0]])


def test_a_tiny_word_ranks_by_size_not_by_sign(model32: Model) -> None:
    found = explain(model32, "occlusion")
    sizes = [abs(word.attribution) for word in found.weightiest]
    assert sizes == sorted(sizes, reverse=True) and not any(word.special for word in found.weightiest)


# --- reports and documents


def terminal(found: list[Explanation], width: int = 80, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    show_explanations(found, Console(file=file, width=width))
    file.flush()
    return raw.getvalue().decode(encoding)


SHOWN: dict[str, Callable[[], list[Explanation]]] = {
    "lime": lambda: samples.by_methods()[1:2],
    "saliency": lambda: samples.by_methods()[2:],
    "compared": samples.by_methods,
    "hostile": lambda: samples.by_methods(samples.hostile()),
    "long": lambda: samples.by_methods(samples.long()),
}
EACH = pytest.mark.parametrize("make", list(SHOWN.values()), ids=list(SHOWN))


@EACH
@pytest.mark.parametrize("width", [60, 80, 200])
def test_nothing_is_wider_than_the_terminal(make: Callable[[], list[Explanation]], width: int) -> None:
    shown = terminal(make(), width)
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    assert "\x1b" not in shown and "\u202e" not in shown
    assert terminal(make(), width, "ascii").isascii()


def test_the_terminal_says_what_a_method_is() -> None:
    lime, saliency = terminal(SHOWN["lime"]()), terminal(SHOWN["saliency"]())
    assert "± error" in lime and "+/- error" in terminal(SHOWN["lime"](), encoding="ascii")
    assert "samples 100, kernel width 1, seed 7" in lime and "802 rows" in lime and "Integration error" not in lime
    assert "moves B-PER on Rob most" in saliency and "speaks" not in saliency and "± error" not in saliency
    assert "logits per unit of embedding" in saliency and "+" not in saliency.split("Words")[1].split("Absent")[0]


def test_the_comparison_holds_every_method() -> None:
    found = samples.by_methods()
    shown, text = terminal(found), explanations_page(found)
    for each in found:
        assert each.method_name in shown and each.method_name in text
    for value in (pair.overlap for one, pair in method_overlaps(found) if pair.first == "integrated-gradients"):
        assert f"{value:.2f}" in shown and f"{value:.2f}" in text
    assert "deep-lift: refused." in shown and "refused" in text
    stuck = replace(samples.not_converged(), components=None, layers=(), zoom=None)
    assert "NOT-CONVERGED" in terminal(samples.by_methods(stuck))


def test_no_word_is_obeyed_on_the_page() -> None:
    shown = explanations_page(samples.by_methods(samples.hostile()))
    assert "<script" not in shown and "<img" not in shown and "\u202e" not in shown and "<i>PER" not in shown


@EACH
def test_documents_come_back(make: Callable[[], list[Explanation]], tmp_path: Path) -> None:
    found = [
        replace(
            each, text="", words=tuple(replace(w, text=w.text.encode(errors="replace").decode()) for w in each.words)
        )
        for each in make()
    ]
    document = to_document(found)
    Draft202012Validator(schema()).validate(json.loads(json.dumps(document)))
    (tmp_path / "e.json").write_text(json.dumps(document), encoding="utf-8")
    assert interp.read(tmp_path / "e.json") == found
    assert len(document["methods"]) == len(found) * (len(found) - 1) // 2


def test_documents_without_methods_still_load(tmp_path: Path) -> None:
    document = to_document([samples.article()])
    del document["methods"], document["explanations"][0]["method"]
    Draft202012Validator(schema()).validate(json.loads(json.dumps(document)))
    (tmp_path / "e.json").write_text(json.dumps(document), encoding="utf-8")
    assert interp.read(tmp_path / "e.json") == [samples.article()]


def test_an_explanation_has_an_integration_or_a_method() -> None:
    lime = samples.by_methods()[1]
    with pytest.raises(ValueError, match="integrates nothing"):
        _ = lime.integration
    with pytest.raises(ValueError, match="another method"):
        replace(lime, method=None)
    with pytest.raises(ValueError, match="one value per word"):
        replace(lime, method=replace(lime.method, errors=(0.1,)))  # type: ignore[type-var]


@pytest.mark.parametrize("name", ["lime", "saliency"])
def test_the_words_can_be_drawn_and_other_views_cannot(name: str) -> None:
    found = samples.second(samples.article(zoom=False), name)
    found.plot("words")
    for view in ("components", "layers", "zoom", "density"):
        with pytest.raises(InputError):
            found.plot(view)  # type: ignore[arg-type]


# --- the command


@pytest.fixture
def run(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str) -> Result:
        given = ["explain", "--model", str(tiny), "--device", "cpu", SENTENCE, "--target", "Rob#2", *arguments]
        return CliRunner().invoke(main, given, catch_exceptions=False)

    return invoke


def test_the_command_knows_every_method() -> None:
    assert get_args(MethodName) == (INTEGRATED_GRADIENTS, *METHODS)


@EVERY
def test_the_command_runs_every_method(run: Callable[..., Result], name: str) -> None:
    result = run("--method", name, "--json", "-")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    Draft202012Validator(schema()).validate(document)
    (found,) = document["explanations"]
    assert found["method"]["name"] == name and found["paths"] == {"embedding": None, "components": None}
    assert found["attributions"]["layers"] == [] and found["attributions"]["components"] is None
    assert f"{name} gives the words alone" == found["absent"]["layers"]
    assert "captum" in found["run"]["versions"] and (found["method"]["errors"] is not None) == (name in DRAWING)


def test_the_command_passes_samples_and_seed(run: Callable[..., Result]) -> None:
    result = run("--method", "shapley", "--samples", "5", "--seed", "9", "--json", "-", "--memory", "1GiB")
    (found,) = json.loads(result.stdout)["explanations"]
    assert found["method"]["parameters"] == {"samples": 5} and found["method"]["seed"] == 9


def test_the_command_compares(run: Callable[..., Result]) -> None:
    files = ("--json", "e.json", "--html", "e.html")
    result = run("--compare-methods", "--samples", "12", *files)
    assert result.exit_code == 0, result.stderr
    document = json.loads(Path("e.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema()).validate(document)
    assert len(document["explanations"]) == 8 and len(document["methods"]) == 28
    assert "Agreement between methods" in result.stdout
    assert "Agreement between methods" in Path("e.html").read_text(encoding="utf-8")


def test_a_comparison_that_misses_the_tolerance_exits_3(run: Callable[..., Result]) -> None:
    options = ("--compare-methods", "--samples", "12", "--tolerance", "1e-9", "--max-evaluations", "17")
    assert run(*options).exit_code == 3


def test_the_command_draws_the_words(run: Callable[..., Result]) -> None:
    result = run("--method", "occlusion", "--figure", "e.svg", "--view", "words")
    assert result.exit_code == 0, result.stderr
    assert "method occlusion" in Path("e.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--method", "nothing"], "'shapley'"),
        (["--method", "lime", "--zoom", "wins"], "drop --zoom"),
        (["--compare-methods", "--zoom", "wins"], "drop --zoom"),
        (["--method", "lime", "--figure", "e.svg"], "choose --view words"),
        (["--method", "lime", "--compare-methods"], "drop --method"),
        (["--compare-methods", "--figure", "e.svg", "--view", "words"], "drop --compare-methods or --figure"),
        (["--method", "lime", "--tolerance", "1e-4"], "takes no --tolerance"),
        (["--method", "lime", "--max-evaluations", "99"], "takes no --max-evaluations"),
        (["--samples", "4"], "takes no --samples"),
        (["--seed", "4"], "takes no --seed"),
        (["--method", "occlusion", "--samples", "4"], "draws no samples"),
        (["--method", "lime", "--samples", "2"], "raise --samples"),
        (["--method", "lime", "--memory", "1kB"], "--memory"),
    ],
)
def test_what_the_command_refuses(run: Callable[..., Result], arguments: list[str], says: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2 and says in result.stderr and result.stderr.count("\n") == 1
    assert not list(Path.cwd().iterdir())
