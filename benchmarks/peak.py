"""Peak memory above the weights of one sentence's whole analysis, with every layer, in this fresh process.

    python -m benchmarks.peak large 512 cpu float32 [1GiB]

On the CPU it is the resident set's high-water mark above what the model holds that has explained a short sentence; on
CUDA what torch allocated.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

import torch

from benchmarks.engines import counted
from benchmarks.meter import DTYPES, arithmetic, peak, timed
from benchmarks.shapes import built, questions


def main(name: str, tokens: str, device: str, precision: str, memory: str | None = None) -> None:
    if threads := os.environ.get("INTERP_BENCH_THREADS"):
        torch.set_num_threads(int(threads))
    model = built(name, device, DTYPES[precision])
    cases = questions(model, name, int(tokens), 1)
    next(model.explain_many(questions(model, name, 8, 1)))  # what the first forward loads stays, like the weights
    with arithmetic(precision), counted(model.tagger) as counts:
        top, (seconds, _) = peak(lambda: timed(lambda: list(model.explain_many(cases, memory=memory)), device), device)
    print(json.dumps({"peak": top, "seconds": seconds, "counts": asdict(counts)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
