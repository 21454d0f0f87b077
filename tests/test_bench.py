"""Results of benchmarks: read, held against committed ones, reported. All files here are made up."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from PIL import Image
from rich.console import Console

from benchmarks.__main__ import main
from benchmarks.report import (
    CellStatus,
    Pairs,
    Platform,
    Spread,
    Verdict,
    check_results,
    comparable,
    entries,
    read_results,
    units,
)
from benchmarks.report.check import FASTER, MEMORY, OVERHEAD, RESIDENT
from benchmarks.report.figures import figures
from benchmarks.report.markdown import markdown
from benchmarks.report.sheets import drawn
from benchmarks.report.terminal import show_comparison
from interp.errors import FormatError, InputError

XEON = "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz"
EPYC = "AMD EPYC 9654 96-Core Processor"
H200 = {"gpu": "NVIDIA H200", "driver": "570.86", "matmul": {"cuda": {"tf32": 3.5e14}}}


def spread(median: float, width: float = 0.02) -> dict[str, float]:
    return {"median": median, "q1": median * (1 - width), "q3": median * (1 + width)}


def pairs(median: float, width: float = 0.02) -> dict[str, float]:
    return {**spread(median, width), "pairs": 15}


def info(**changed: Any) -> dict[str, Any]:
    """A benchmark's extra_info; `ratio` may be its median alone."""
    found = {
        "schema": "interp.bench/1",
        "work": "layers",
        "model": "open",
        "sha256": "a1" * 32,
        "tokens": 15,
        "sentences": 1,
        "targets": 1,
        "device": "cpu",
        "precision": "float32",
        "threads": 2,
        "against": "captum-matched",
        "against_steps": 1000,
        "evaluations": 33,
        "backward": 33,
        "forwards": 2,
        "rows_per_forward": 64,
        "bytes_per_row": 4096,
        "peak_memory": 50 * 2**20,
        "error": 4e-4,
        "against_error": 3.9e-4,
        "seconds": spread(0.0123),
        "against_seconds": spread(3.8),
        "ratio": pairs(310),
        "matmul_share": None,
    } | changed
    if isinstance(found["ratio"], int | float):
        found["ratio"] = pairs(found["ratio"])
    return found


def sweep(**changed: Any) -> dict[str, Any]:
    given = {"work": "sweep", "against": "bare", "against_steps": None, "against_error": None, "ratio": 1.1}
    return info(**(given | changed))


def alone(**changed: Any) -> dict[str, Any]:
    """A benchmark that is held against nothing."""
    nothing = dict.fromkeys(("against", "against_steps", "against_error", "against_seconds", "ratio"))
    return info(**(nothing | changed))


def document(
    *benchmarks: dict[str, Any], not_run: list[dict[str, Any]] | None = None, **machine: Any
) -> dict[str, Any]:
    """What pytest-benchmark would write."""
    about = {
        "cpu_model": XEON,
        "gpu": None,
        "driver": None,
        "torch": "2.9.0",
        "threads": 2,
        "matmul": {"float32": 1.2e11},
    }
    return {
        "machine_info": {"node": "box", "python_version": "3.11", **about, **machine},
        "commit_info": {"id": "0123456789abcdef", "dirty": False},
        "benchmarks": [
            {"fullname": named(each), "name": "test", "extra_info": each, "stats": {"median": 1.0}}
            for each in benchmarks
        ],
        "interp": {"not_run": not_run or []},
        "version": "5.3.1",
    }


def named(each: dict[str, Any]) -> str:
    keys = ("work", "model", "tokens", "sentences", "targets", "device", "precision", "against")
    return "test[" + "-".join(str(each.get(key)) for key in keys) + "]"


File = Callable[..., Path]


@pytest.fixture
def file(tmp_path: Path) -> File:
    def written(name: str, *benchmarks: dict[str, Any], **about: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document(*benchmarks, **about)))
        return path

    return written


@pytest.fixture
def held(file: File) -> Callable[..., Any]:
    """New benchmarks held against committed ones of the same machine."""

    def gate(old: list[dict[str, Any]], new: list[dict[str, Any]], partial: bool = False, **machine: Any) -> Any:
        return check_results(
            [read_results(file("new.json", *new, **machine))], [read_results(file("old.json", *old))], partial
        )

    return gate


def told(gate: Any, status: CellStatus) -> list[tuple[str, str]]:
    """Cells and measures with this status."""
    return [(finding.cell.name, finding.measure) for finding in gate.having(status)]


# Reading


def test_results_are_read_whole(file: File) -> None:
    found = read_results(
        file(
            "h200.json",
            info(device="cuda", precision="tf32"),
            sweep(),
            **H200,
            not_run=[{"id": "x", "predicted_seconds": 700}],
        )
    )
    first, second = found.records
    assert (found.machine.cpu_model, found.machine.gpu, found.commit) == (XEON, "NVIDIA H200", "0123456789abcdef")
    assert found.machine.matmul == {"cuda tf32": 3.5e14}
    assert (first.cell.name, first.ratio) == (
        "layers of open, 15 tokens, tf32, against captum-matched",
        Pairs(310, 310 * 0.98, 310 * 1.02, 15),
    )
    assert found.place(first) == Platform("cuda", XEON, "NVIDIA H200", 2)
    assert found.place(second) == Platform("cpu", XEON, None, 2)
    assert (found.not_run[0].id, found.not_run[0].predicted_seconds) == ("x", 700)


def without(key: str, **changed: Any) -> dict[str, Any]:
    return {name: value for name, value in info(**changed).items() if name != key}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            info(schema="interp.bench/2"),
            'has the schema "interp.bench/2", and this release reads interp.bench/1',
        ),
        (without("schema"), "has no schema, and this release reads interp.bench/1"),
        (without("evaluations"), "evaluations is missing"),
        (without("against_steps") | {"against_step": 3}, "against_step is an unknown key; did you mean against_steps"),
        (info(evaluations=33.5), "evaluations: input should be a valid integer"),
        (info(evaluations=True), "evaluations: input should be a valid integer"),
        (info(tokens=0), "tokens: input should be greater than or equal to 1"),
        (info(peak_memory=-1), "peak_memory: input should be greater than or equal to 0"),
        (info(work="laiers"), "work: input should be 'layers'"),
        (info(seconds={"median": 1.0, "q1": 2.0, "q3": 3.0}), "seconds: the quartiles 2, 1, 3 are not in order"),
        (info(seconds=None), "seconds: input should be"),
        (alone(ratio=3), "against is null, but ratio is given"),
        (info(against="bare"), "a sweep is held against bare, and nothing else is"),
        (info(work="sweep"), "a sweep is held against bare, and nothing else is"),
        (info(device="cuda"), "ran on cuda, but machine_info.gpu is null"),
    ],
)
def test_what_does_not_fit_is_named_with_its_file(file: File, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_results(file("bad.json", info(tokens=64), given))
    assert "bad.json: " in str(caught.value)
    assert named(given) in str(caught.value)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("key", ["error", "matmul_share", "seconds"])
def test_nan_is_refused(file: File, key: str, value: float) -> None:
    path = file("nan.json", info(**{key: value if key != "seconds" else {"median": value, "q1": 1.0, "q3": 1.0}}))
    with pytest.raises(FormatError, match=r"nan\.json: holds -?(NaN|Infinity), which is no measurement"):
        read_results(path)


def test_a_number_too_large_is_refused(file: File) -> None:
    path = file("big.json", info(error=0.123))
    path.write_text(path.read_text().replace("0.123", "1e999"))
    with pytest.raises(FormatError, match=r"error: input should be a finite number"):
        read_results(path)


@pytest.mark.parametrize("key", ["machine_info", "benchmarks", "interp"])
def test_a_missing_part_is_named(file: File, key: str) -> None:
    path = file("cut.json", info())
    path.write_text(json.dumps({name: value for name, value in json.loads(path.read_text()).items() if name != key}))
    with pytest.raises(FormatError, match=f'cut.json: "{key}" is missing'):
        read_results(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is no JSON"),
        ("[]", "holds no results of benchmarks"),
        ('{"a": 1}', "holds no results of benchmarks"),
        ("[" * 10**5, "is no JSON"),
    ],
    ids=["cut", "list", "table", "deep"],
)
def test_another_file_is_no_result(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=sentence):
        read_results(path)


def test_a_file_that_is_not_there_is_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_results(tmp_path / "none.json")


@pytest.mark.parametrize("values", [(math.nan, 1.0, 1.0), (1.0, math.nan, 1.0), (1.0, 0.5, math.nan), (3.0, 1.0, 2.0)])
def test_a_spread_cannot_be_made_of_nan(values: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="not in order"):
        Spread(*values)


# Side by side


def test_the_same_cell_twice_on_one_machine_is_a_conflict(file: File) -> None:
    one, two = read_results(file("one.json", info())), read_results(file("two.json", info(evaluations=50)))
    with pytest.raises(
        InputError, match=r"one\.json and .*two\.json measured the same on the same machine \(layers of open"
    ):
        entries([one, two])
    with pytest.raises(InputError, match=r"one\.json measured the same"):
        entries([read_results(file("one.json", info(), info()))])


def test_other_threads_are_another_machine(file: File) -> None:
    found = entries(
        [read_results(file("two.json", info())), read_results(file("four.json", info(threads=4), threads=4))]
    )
    assert list(units.labels(entry.place for entry in found).values()) == [
        "Intel Xeon Platinum 8481C, 2 threads",
        "Intel Xeon Platinum 8481C, 4 threads",
    ]
    comparable(found)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"sha256": "ff" * 32}, "other weights (a1a1a1a1a1a1 and ffffffffffff)"),
        ({"against_steps": 20}, "other steps of captum-50 (50 and 20)"),
    ],
)
def test_what_is_not_comparable_is_refused(file: File, changed: dict[str, Any], why: str) -> None:
    given = {"against": "captum-50", "against_steps": 50, "device": "cpu"}
    one = read_results(file("one.json", info(**given)))
    two = read_results(file("two.json", info(**(given | {"device": "cuda"} | changed)), **H200))
    with pytest.raises(InputError) as caught:
        comparable(entries([one, two]))
    assert "one.json and" in str(caught.value)
    assert "layers of open, 15 tokens, float32, against captum-50" in str(caught.value)
    assert why in str(caught.value)


def test_steps_that_match_an_error_may_differ(file: File) -> None:
    other = read_results(file("two.json", info(against_steps=2000, threads=4)))
    comparable(entries([read_results(file("one.json", info())), other]))


@pytest.mark.parametrize(
    ("places", "names"),
    [
        ([Platform("cuda", XEON, "NVIDIA H200", 2)], ["NVIDIA H200"]),
        (
            [Platform("cuda", XEON, "NVIDIA H200", 2), Platform("cuda", XEON, "NVIDIA H200", 4)],
            ["NVIDIA H200, 2 threads", "NVIDIA H200, 4 threads"],
        ),
        (
            [Platform("cuda", EPYC, "NVIDIA H200", 2), Platform("cuda", XEON, "NVIDIA H200", 2)],
            ["NVIDIA H200 beside AMD EPYC 9654, 2 threads", "NVIDIA H200 beside Intel Xeon Platinum 8481C, 2 threads"],
        ),
        (
            [Platform("cpu", "Xeon CPU @ 2GHz", None, 1), Platform("cpu", "Xeon CPU @ 3GHz", None, 1)],
            ["Xeon CPU @ 2GHz, 1 thread", "Xeon CPU @ 3GHz, 1 thread"],
        ),
    ],
)
def test_names_of_machines_are_short_and_different(places: list[Platform], names: list[str]) -> None:
    assert list(units.labels(places).values()) == names


# The gate


def test_equal_results_pass(held: Callable[..., Any]) -> None:
    cells = [info(), sweep(), alone(work="memory"), info(work="words", against="transformers-interpret")]
    gate = held(cells, cells)
    assert (gate.verdict, gate.cells, gate.counts_alone, gate.notes) == (Verdict.FINE, 4, 0, ())
    assert {finding.status for finding in gate.findings} == {CellStatus.SAME}


@pytest.mark.parametrize(
    ("old", "new", "measure"),
    [
        (info(), info(evaluations=34), "evaluations"),
        (info(), info(forwards=3), "forwards"),
        (info(forwards=0), info(forwards=1), "forwards"),
        (info(), info(bytes_per_row=4097), "bytes per row"),
        (info(), info(ratio=290), "times faster"),
        (info(), info(peak_memory=63 * 2**20), "peak memory"),
        (sweep(), sweep(ratio=1.17), "overhead over bare"),
    ],
)
def test_each_worsening_is_red_and_the_reverse_is_better(
    held: Callable[..., Any], old: dict[str, Any], new: dict[str, Any], measure: str
) -> None:
    rest = [info(tokens=64), sweep(tokens=64)]
    gate = held([old, *rest], [new, *rest])
    (cell,) = {each.cell.name for each in gate.having(CellStatus.WORSE)}
    assert gate.verdict is Verdict.WORSE
    assert told(gate, CellStatus.WORSE) == [(cell, measure)]
    assert f"{old['work']} of open, 15 tokens" in cell
    assert not gate.having(CellStatus.BETTER)

    back = held([new, *rest], [old, *rest])
    assert back.verdict is Verdict.FINE
    assert told(back, CellStatus.BETTER) == [(cell, measure)]


@pytest.mark.parametrize(
    "new",
    [
        info(ratio=296),  # the ranges are apart, the medians by less than 5 %
        info(ratio=pairs(290, 0.06)),  # the medians are further apart, but the ranges overlap
        info(peak_memory=62 * 2**20),
    ],
)
def test_noise_is_no_worsening(held: Callable[..., Any], new: dict[str, Any]) -> None:
    assert held([info()], [new]).verdict is Verdict.FINE


def test_ranges_that_hide_a_large_loss_are_no_pass(held: Callable[..., Any]) -> None:
    gate = held([info()], [info(ratio=pairs(200, 0.6))])
    assert gate.verdict is Verdict.UNTOLD
    assert "too noisily: measure again" in gate.having(CellStatus.UNTOLD)[0].why
    assert held([info()], [info(ratio=pairs(500, 0.6))]).verdict is Verdict.FINE
    assert held([sweep()], [sweep(ratio=pairs(1.5, 0.6))]).verdict is Verdict.UNTOLD


@pytest.mark.parametrize(
    ("ratio", "status"),
    [
        (296, CellStatus.SAME),
        (280, CellStatus.UNTOLD),
        (200, CellStatus.WORSE),
        (330, CellStatus.SAME),
        (500, CellStatus.BETTER),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_a_single_pair_does_not_show_its_noise(
    held: Callable[..., Any], ratio: float, status: CellStatus, swapped: bool
) -> None:
    single, many = info(ratio={**spread(ratio, 0), "pairs": 1}), info(ratio={**spread(310, 0), "pairs": 15})
    if swapped:
        single, many = ({**each, "ratio": {**each["ratio"], "pairs": n}} for each, n in ((single, 15), (many, 1)))
    (finding,) = [each for each in held([many], [single]).findings if each.measure == "times faster"]
    assert finding.status is status
    assert "fewer than 4 pairs" in finding.why if status is CellStatus.UNTOLD else finding.why == ""


@pytest.mark.parametrize(("measure", "grown"), [(MEMORY, 1.06), (RESIDENT, 1.26)])
def test_memory_that_a_gpu_allocated_repeats_and_that_of_a_process_does_so_roughly(measure: Any, grown: float) -> None:
    old = Spread(100.0, 100.0, 100.0)
    for part, status in ((grown, CellStatus.WORSE), (grown - 0.02, CellStatus.SAME)):
        new = Spread(100 * part, 100 * part, 100 * part)
        assert measure.judge(old, new)[0] is status


@pytest.mark.parametrize("measure", [FASTER, OVERHEAD, MEMORY, RESIDENT])
def test_what_is_missing_or_not_finite_is_never_a_pass(measure: Any) -> None:
    good, endless = Spread(2.0, 1.0, 3.0), Spread(math.inf, 1.0, math.inf)
    nan = Spread(2.0, 1.0, 3.0)
    object.__setattr__(nan, "median", math.nan)
    for old, new in [
        (good, nan),
        (nan, good),
        (good, endless),
        (endless, endless),
        (good, None),
        (None, good),
        (None, None),
    ]:
        assert measure.judge(old, new)[0] is CellStatus.UNTOLD


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ([info(), info(tokens=64)], [info()], "was not run"),
        ([info()], [info(), info(tokens=64)], "nothing is committed"),
        ([info()], [info(ratio=None)], "is missing"),
        ([info(ratio=None)], [info()], "is new"),
        ([info(ratio=None)], [info(ratio=None)], "is missing"),
        ([info()], [info(peak_memory=None)], "is missing"),
        ([info()], [info(error=None)], "its error was measured before and is missing"),
        ([info()], [info(sha256="ff" * 32)], "has other weights (a1a1a1a1a1a1 and ffffffffffff)"),
        (
            [info(against="captum-50", against_steps=50)],
            [info(against="captum-50", against_steps=20)],
            "has other steps of captum-50 (50 and 20)",
        ),
        ([], [info()], "nothing is committed"),
        ([info()], [], "was not run"),
    ],
)
def test_one_sided_cells_are_listed_and_no_pass(
    held: Callable[..., Any], old: list[dict[str, Any]], new: list[dict[str, Any]], why: str
) -> None:
    gate = held(old, new)
    (finding,) = gate.having(CellStatus.UNTOLD)
    assert gate.verdict is Verdict.UNTOLD
    assert finding.cell.name.startswith("layers of open")
    assert why in finding.why


def test_nothing_at_all_is_no_pass(held: Callable[..., Any]) -> None:
    assert held([], []).verdict is Verdict.UNTOLD
    assert held([info()], [info(tokens=64)], partial=True).verdict is Verdict.UNTOLD


def test_worse_weighs_more_than_untold(held: Callable[..., Any]) -> None:
    gate = held([info(), info(tokens=64)], [info(evaluations=40)])
    assert gate.verdict is Verdict.WORSE
    assert gate.having(CellStatus.UNTOLD)


def test_a_selection_is_no_failure_when_it_is_said_to_be_one(held: Callable[..., Any]) -> None:
    gate = held([info(), info(tokens=64)], [info(), info(tokens=128)], partial=True)
    assert gate.verdict is Verdict.FINE
    assert gate.notes == ("2 cells on one side only, not judged (--partial).",)


def test_a_cell_that_took_too_long_says_so(held: Callable[..., Any]) -> None:
    skipped = [{"id": named(info(tokens=64)), "predicted_seconds": 720}]
    gate = held([info(), info(tokens=64)], [info()], not_run=skipped)
    assert gate.having(CellStatus.UNTOLD)[0].why.startswith("was not run (predicted 12.0 min); ")


def test_another_machine_is_held_to_counts_alone(held: Callable[..., Any]) -> None:
    slow = info(ratio=100, peak_memory=2**40, threads=4)
    gate = held([info()], [slow], threads=4)
    assert (gate.verdict, gate.cells, gate.counts_alone) == (Verdict.FINE, 1, 1)
    assert gate.notes == (
        "Nothing of Intel Xeon Platinum 8481C, 4 threads is committed: ratios and memory were not judged there, "
        "counts alone.",
    )
    worse = held([info()], [slow | {"bytes_per_row": 5000}], threads=4)
    assert told(worse, CellStatus.WORSE) == [
        ("layers of open, 15 tokens, float32, against captum-matched", "bytes per row")
    ]
    assert "old.json" in worse.having(CellStatus.WORSE)[0].why


def test_a_new_machine_is_held_to_the_best_of_the_others(file: File) -> None:
    olds = [
        read_results(file("a.json", info(threads=8, evaluations=25), threads=8)),
        read_results(file("b.json", info(threads=16, evaluations=50), threads=16)),
    ]
    gate = check_results([read_results(file("new.json", info()))], olds)
    assert told(gate, CellStatus.WORSE) == [
        ("layers of open, 15 tokens, float32, against captum-matched", "evaluations")
    ]
    assert "a.json" in gate.having(CellStatus.WORSE)[0].why


def test_a_known_machine_need_not_run_what_others_have(file: File) -> None:
    olds = [
        read_results(file("own.json", info())),
        read_results(file("other.json", info(threads=8), info(threads=8, tokens=64))),
    ]
    assert check_results([read_results(file("new.json", info()))], olds).verdict is Verdict.FINE
    stranger = check_results([read_results(file("new.json", info(threads=4), threads=4))], olds)
    assert [finding.cell.tokens for finding in stranger.having(CellStatus.UNTOLD)] == [64]


def test_forwards_of_other_rows_on_another_machine_are_not_judged(held: Callable[..., Any]) -> None:
    gate = held([info()], [info(threads=4, rows_per_forward=32, forwards=3)], threads=4)
    assert told(gate, CellStatus.UNTOLD) == [("layers of open, 15 tokens, float32, against captum-matched", "forwards")]
    assert gate.verdict is Verdict.UNTOLD


def test_a_machine_without_a_gpu_need_not_run_its_cells(file: File) -> None:
    old = read_results(file("h200.json", info(), info(device="cuda"), **H200))
    gate = check_results([read_results(file("new.json", info()))], [old])
    assert gate.verdict is Verdict.FINE
    assert gate.notes == ("This machine has no GPU: 1 committed cell of cuda not judged.",)
    gate = check_results([read_results(file("new.json", info(), **H200))], [old])
    assert gate.verdict is Verdict.UNTOLD
    assert [finding.place.device for finding in gate.having(CellStatus.UNTOLD)] == ["cuda"]


def test_the_error_paid_for_fewer_evaluations_is_told(held: Callable[..., Any]) -> None:
    (finding,) = held([info()], [info(evaluations=17, error=8e-4)]).having(CellStatus.BETTER)
    assert finding.why == "error 4.0e-04 → 8.0e-04"


def test_another_torch_is_told(held: Callable[..., Any]) -> None:
    (note,) = held([info()], [info()], torch="2.10.0").notes
    assert "was measured with torch 2.9.0" in note and "with 2.10.0" in note


# Shown


def shown(gate: Any, width: int = 100, encoding: str = "utf-8") -> str:
    import io

    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    show_comparison(gate, Console(file=stream, width=width, highlight=False))
    stream.seek(0)
    return stream.read()


@pytest.mark.parametrize("width", [40, 60, 100, 160])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_verdict_comes_first_and_fits(held: Callable[..., Any], width: int, encoding: str) -> None:
    old = [info(), info(tokens=64), info(tokens=128), sweep()]
    new = [info(evaluations=41, ratio=190), info(tokens=64, ratio=pairs(100, 0.8)), sweep(ratio=1.03)]
    text = shown(held(old, new), width, encoding)
    lines = text.splitlines()
    assert lines[0].startswith("WORSE than committed: 3 cells")
    assert max(map(len, lines)) <= width
    flat = " ".join(text.split())
    assert "33 → 41" in flat if encoding == "utf-8" else "33 -> 41" in flat
    places = [flat.index(title) for title in (" Worse ", " Could not tell ", " Better ")]
    assert places == sorted(places)


def test_a_pass_is_one_line_and_what_it_is_of(held: Callable[..., Any], tmp_path: Path) -> None:
    text = shown(held([info()], [info()]), 300)
    assert text.splitlines() == [
        "No worse than committed: 1 cell judged.",
        f"{tmp_path}/new.json held against {tmp_path}/old.json",
        "Intel Xeon Platinum 8481C, 2 threads",
    ]


SMALL = r"""# Benchmarks

Medians, with quartiles in brackets. Ratios are taken pair by pair, both sides in turn in one run. Seconds are those of
one machine; ratios, errors and evaluations may be compared between machines.

| machine                              | host                      | threads | torch | driver | matrix products       | commit     | file      |
| ------------------------------------ | ------------------------- | ------: | ----- | ------ | --------------------- | ---------- | --------- |
| Intel Xeon Platinum 8481C, 2 threads | –                         |       2 | 2.9.0 | –      | float32 120 GFLOP/s   | 0123456789 | xeon.json |
| NVIDIA H200                          | Intel Xeon Platinum 8481C |       2 | 2.9.0 | 570.86 | cuda tf32 350 TFLOP/s | 0123456789 | h200.json |

![ratio](ratio.png)

## Conductance of every layer

Ratio: their time over ours, so 10 × is ten times faster.

| model | tokens | sentences | precision | machine                              |             seconds | against                      |           ratio |   error | their error | evaluations | peak memory |
| ----- | -----: | --------: | --------- | ------------------------------------ | ------------------: | ---------------------------- | --------------: | ------: | ----------: | ----------: | ----------: |
| open  |     15 |         1 | float32   | Intel Xeon Platinum 8481C, 2 threads | 12.3 ms (12.1–12.5) | captum-matched (1,000 steps) | 310 × (304–316) | 4.0e-04 |     3.9e-04 |          33 |    50.0 MiB |
| open  |     15 |         1 | float32   | NVIDIA H200                          | 2.00 ms (1.96–2.04) | captum-matched (1,000 steps) | 120 × (118–122) | 4.0e-04 |     3.9e-04 |          35 |    50.0 MiB |

From machine to machine:

| cell                                             | ratio on Intel Xeon Platinum 8481C, 2 threads | ratio on NVIDIA H200 | evaluations |
| ------------------------------------------------ | --------------------------------------------: | -------------------: | ----------: |
| open, 15 tokens, float32, against captum-matched |                               310 × (304–316) |      120 × (118–122) |     33 / 35 |

## One sweep

Ratio: a sweep's time over that of a bare forward and backward of the same rows.

| model | tokens | sentences | precision | machine                              |             seconds | against |              ratio | evaluations | peak memory |
| ----- | -----: | --------: | --------- | ------------------------------------ | ------------------: | ------- | -----------------: | ----------: | ----------: |
| open  |     15 |         1 | float32   | Intel Xeon Platinum 8481C, 2 threads | 12.3 ms (12.1–12.5) | bare    | 1.10 × (1.08–1.12) |          33 |    50.0 MiB |

## Not run

Predicted to take too long:

- test[a\|b]: 66.7 min (xeon.json)
"""  # noqa: E501


def test_markdown_of_a_small_example(file: File, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file("xeon.json", info(), sweep(error=None), not_run=[{"id": "test[a|b]", "predicted_seconds": 4000}])
    file("h200.json", info(device="cuda", ratio=120, seconds=spread(0.002), evaluations=35), threads=16, **H200)
    monkeypatch.chdir(tmp_path)
    text = markdown([read_results(Path("xeon.json")), read_results(Path("h200.json"))], ["ratio.png"])
    assert text == SMALL


def test_markdown_escapes_what_would_break_its_table(file: File) -> None:
    text = markdown([read_results(file("a.json", alone(model="a|b<c>\n`d`")))])
    assert r"| a\|b&lt;c>\x0a\`d\` |".replace(r"\x", r"\\x") in text


def test_markdown_tells_how_few_pairs_a_ratio_is_of(file: File) -> None:
    text = markdown([read_results(file("a.json", info(ratio={**spread(3, 0), "pairs": 1}, seconds=spread(2, 0))))])
    assert " 2.00 s |" in text
    assert "| 3.00 × of 1 pair |" in text


def test_markdown_refuses_what_cannot_be_compared(file: File) -> None:
    with pytest.raises(InputError, match="other weights"):
        markdown(
            [read_results(file("a.json", info())), read_results(file("b.json", info(threads=4, sha256="ff" * 32)))]
        )


def test_figures_are_images(file: File, tmp_path: Path) -> None:
    cpu = read_results(
        file("cpu.json", *(info(tokens=t) for t in (15, 64)), sweep(), alone(work="share", matmul_share=0.8))
    )
    gpu = read_results(file("gpu.json", info(device="cuda", precision="tf32", error=0.0), **H200))
    found = figures([cpu, gpu])
    assert list(found) == ["time", "ratio", "memory", "efficiency", "error"]
    for name, drawing in found.items():
        path = tmp_path / f"{name}.png"
        path.write_bytes(drawn(drawing, "png"))
        with Image.open(path) as image:
            image.verify()
        assert ElementTree.fromstring(drawn(drawing, "svg")).tag.endswith("svg")


def test_figures_are_the_same_every_time(file: File) -> None:
    results = [read_results(file("cpu.json", info(), sweep()))]
    first, second = ({name: drawn(each, "svg") for name, each in figures(results).items()} for _ in range(2))
    assert first == second


def test_a_figure_without_data_is_left_out(file: File) -> None:
    assert list(figures([read_results(file("a.json", alone(peak_memory=None, error=None)))])) == ["time"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00 µs"), (2.5e-5, "25.0 µs"), (0.0123, "12.3 ms"), (99.96, "100 s"), (1.5, "1.50 s"), (3600, "60.0 min")],
)
def test_seconds_have_three_digits(value: float, text: str) -> None:
    assert units.seconds(value) == text


def test_units() -> None:
    assert [units.size(value) for value in (0, 1023, 1024, 3.4 * 2**30)] == ["0 B", "1023 B", "1.00 KiB", "3.40 GiB"]
    assert [units.percent(value) for value in (1.0, 0.1, 0.0162)] == ["100 %", "10 %", "1.6 %"]
    assert [units.change(*pair) for pair in ((100, 164), (100, 95), (0, 3))] == ["+64 %", "−5.0 %", ""]
    assert units.spread(Spread(1.0, 0.9, 1.2), units.seconds) == "1.00 s (900 ms–1.20 s)"
    assert units.rate(1.2e11) == "120 GFLOP/s"


# The command line


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_check_exits_by_verdict(run: Callable[..., Result], file: File) -> None:
    file("benchmarks/results/xeon.json", info())
    file("same.json", info())
    file("worse.json", info(evaluations=50))
    file("untold.json", info(), info(tokens=64))
    same, worse, untold = (run("check", f"{name}.json") for name in ("same", "worse", "untold"))
    assert (same.exit_code, worse.exit_code, untold.exit_code) == (0, 1, 2)
    assert same.stdout.startswith("No worse than committed: 1 cell judged.")
    assert worse.stdout.startswith("WORSE than committed: 1 cell judged, 1 worse.")
    assert "layers of open, 15 tokens, float32" in worse.stdout
    assert untold.stdout.startswith("COULD NOT TELL: 1 cell judged, 1 could not be told.")
    assert run("check", "untold.json", "--partial").exit_code == 0


def test_check_of_what_is_not_there_exits_2(run: Callable[..., Result], file: File) -> None:
    file("new.json", info())
    missing = run("check", "new.json")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert "There are no committed results benchmarks/results" in missing.stderr
    file("benchmarks/results/xeon.json", info(error=math.nan))
    nan = run("check", "new.json")
    assert nan.exit_code == 2
    assert "xeon.json: holds NaN" in nan.stderr
    assert run("check", "none.json").exit_code == 2
    assert run("check").exit_code == 2


def test_results_are_not_held_against_themselves(run: Callable[..., Result], file: File) -> None:
    path = file("benchmarks/results/xeon.json", info())
    assert run("check", str(path)).exit_code == 2


def test_other_data_is_left_out_and_named(run: Callable[..., Result], file: File, tmp_path: Path) -> None:
    file("benchmarks/results/xeon.json", info())
    file("new.json", info())
    (tmp_path / "benchmarks/results/honesty.json").write_text('{"rows": []}')
    found = run("check", "new.json")
    assert found.exit_code == 0
    assert "Left out, holding no results of pytest-benchmark: benchmarks/results/honesty.json." in found.stderr
    alone = run("report", "benchmarks/results/honesty.json")
    assert alone.exit_code == 2
    assert "There is nothing to report" in alone.stderr


def test_report_to_standard_output_and_into_a_folder(run: Callable[..., Result], file: File, tmp_path: Path) -> None:
    file("a.json", info(), sweep())
    printed = run("report", "a.json")
    assert printed.exit_code == 0
    assert printed.stdout.startswith("# Benchmarks\n\nMedians")
    written = run("report", "a.json", "--out", "deep/er", "--format", "svg")
    folder = tmp_path / "deep/er"
    assert written.exit_code == 0
    assert sorted(each.name for each in folder.iterdir()) == [
        "error.svg",
        "memory.svg",
        "ratio.svg",
        "report.md",
        "time.svg",
    ]
    assert "![ratio](ratio.svg)" in (folder / "report.md").read_text()


def test_report_refuses_with_exit_2(run: Callable[..., Result], file: File) -> None:
    file("a.json", info())
    file("b.json", info())
    found = run("report", "a.json", "b.json", "--out", "out")
    assert (found.exit_code, found.stdout) == (2, "")
    assert "a.json and b.json measured the same on the same machine" in found.stderr
    file("a.json", info(schema="interp.bench/9"))
    assert "interp.bench/9" in run("report", "a.json").stderr
    file("a.json", info())
    assert run("report", "a.json", "--out", "b.json").exit_code == 2


def test_torch_is_not_loaded() -> None:
    modules = ", ".join(f"benchmarks.report.{name}" for name in ("figures", "markdown", "terminal"))
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
