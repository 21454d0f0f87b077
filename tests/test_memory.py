"""Budgets: how they are split, and that a process stays within them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from interp.engine.budget import EXPECTED_NODES, USABLE_SHARE, Cost, plan_batches
from interp.engine.options import SweepOptions
from interp.engine.size import parse_size
from interp.errors import DeviceError, InputError
from interp.explain import load
from interp.explain.model import QUESTIONS_TOGETHER
from interp.question import Question
from interp.records import RecordSettings
from interp.records.make import make_records
from interp.texts import Sentence

SHORT, LONG = Cost(10, 1_000, 100), Cost(100, 10_000, 1_000)


@pytest.mark.parametrize(
    ("text", "size"), [("500MB", 500_000_000), ("2GiB", 2**31), ("1024", 1024), ("1.5 kb", 1500), ("3Ki", 3072)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1GB", "0", "1 TB", "1e9"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(InputError, match="write 500MB or 2GiB"):
        parse_size(text)


@pytest.mark.parametrize("budget", [30_000, 60_000, 200_000, 10_000_000])
def test_portions_fit_what_is_usable(budget: int) -> None:
    costs = [LONG, SHORT, SHORT, LONG, SHORT]
    batches = list(plan_batches(costs, SweepOptions(), budget, "cpu"))
    assert [number for batch in batches for number in batch.sentences] == list(range(len(costs)))
    for batch in batches:
        group, options = [costs[number] for number in batch.sentences], batch.options
        nodes = sum(EXPECTED_NODES * cost.node for cost in group)
        held = nodes if options.retain else options.max_points * group[0].node
        assert held + options.rows * max(cost.row for cost in group) <= USABLE_SHARE * budget
        assert options.retain or len(group) == 1


def test_a_budget_too_small_names_one_that_is_enough() -> None:
    with pytest.raises(DeviceError, match=r"needs (\S+) MiB") as told:
        list(plan_batches([LONG], SweepOptions(), 20_000, "cpu"))
    enough = float(str(told.value).split("needs ")[1].split()[0])
    assert list(plan_batches([LONG], SweepOptions(), int(enough * 2**20), "cpu"))


HOLES = """
import sys
import psutil, torch
from interp.engine.budget import return_memory
if sys.platform != "linux" or not hasattr(__import__("ctypes").CDLL(None), "malloc_trim"):
    sys.exit(77)
kept = [(torch.zeros(2_000), torch.zeros(10_000))[0] for _ in range(3_000)]  # 120 MB of holes between them
before = psutil.Process().memory_info().rss
return_memory()
print((before - psutil.Process().memory_info().rss) / 1e6)
"""


def test_holes_between_what_stays_are_handed_back() -> None:
    done = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("only glibc is known to keep holes, and asked to hand them back")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 60


def test_memory_is_handed_back_between_questions_by_the_thousand(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And after every part of records, however few questions it holds."""
    returned: list[int] = []
    for place in ("interp.explain.model", "interp.records.recording"):
        monkeypatch.setattr(f"{place}.return_memory", lambda: returned.append(1))
    model = load(tiny, device="cpu")
    list(model.explain_many([Question("Rob wins", 1, without=("components", "layers"))] * (2 * QUESTIONS_TOGETHER + 1)))
    assert len(returned) == 2
    sentences = [Sentence(id=str(number), document="", words=("wins",), gold=("O",)) for number in range(65)]
    make_records(model, sentences, RecordSettings(), tmp_path / "records")
    assert len(returned) == 2 + 2


PROCESS = """
import json, sys
import torch
torch.set_num_threads(1)
from pathlib import Path
import psutil
import interp

model = interp.load("open", device="cpu")
text = "Angela Merkel visited Paris on Tuesday . " * 12
list(model.explain_many([interp.Question("Rob wins", 1)]))
try:
    Path("/proc/self/clear_refs").write_text("5")
except OSError:
    sys.exit(77)
before = psutil.Process().memory_info().rss
found = model.explain(text, "@4", memory=sys.argv[1], max_evaluations=17)
status = Path("/proc/self/status").read_text()
peak = 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
print(json.dumps([peak - before, found.run.rows_per_forward]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from Linux's /proc")
@pytest.mark.slow  # processes that load a model; the rows that fit a budget are counted above
@pytest.mark.parametrize("budget", ["80MB", "160MB"])
def test_a_process_stays_within_its_budget(budget: str) -> None:
    """Resident memory above the loaded and once used model, for a sentence that is too long to keep its nodes."""
    done = subprocess.run([sys.executable, "-c", PROCESS, budget], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("this system does not let a process reset its peak (/proc/self/clear_refs)")
    assert done.returncode == 0, done.stderr
    peak, rows = json.loads(done.stdout)
    assert peak <= parse_size(budget)
    assert rows < 8
