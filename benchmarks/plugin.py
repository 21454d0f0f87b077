"""What the pytest plugin costs a run that uses none of it.

Pairs of runs of one empty test, with the plugin and with `-p no:interp`, interleaved. Run from the project's root:

    python -m benchmarks.plugin --out benchmarks/results/plugin.json
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

import click


def seconds(folder: Path, *options: str) -> float:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "test_empty.py"]
    start = perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return perf_counter() - start


@click.command(help=__doc__)
@click.option("--pairs", default=40, show_default=True)
@click.option("--out", type=click.Path(path_type=Path))
def main(pairs: int, out: Path | None) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.joinpath("test_empty.py").write_text("def test_nothing(): ...\n")
        seconds(folder), seconds(folder, "-p", "no:interp")  # the byte code is compiled
        runs = [(seconds(folder), seconds(folder, "-p", "no:interp")) for _ in range(pairs)]
    extra = [1000 * (used - bare) for used, bare in runs]
    low, middle, high = quantiles(extra, n=4)
    results = {
        "pairs": pairs,
        "bare_ms": round(1000 * median(bare for _, bare in runs), 1),
        "extra_ms": {"median": round(middle, 1), "quartiles": [round(low, 1), round(high, 1)]},
        "python": platform.python_version(),
        "machine": platform.processor() or platform.machine(),
    }
    click.echo(json.dumps(results, indent=1))
    if out is not None:
        out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
