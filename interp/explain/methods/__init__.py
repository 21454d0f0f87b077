"""Other methods, for a second opinion on words: Captum's, on the same F, reference and words as interp's own.

Adding a method is adding a row to `METHODS`. Gradients act on the embedding block's output, (sub-tokens, hidden), and
are summed over hidden and over a word's sub-tokens. Perturbations act on words: a row of switches, one per word, takes
each word's sub-tokens from the input where it is on and from the reference where it is off. What draws at random does
so in replicates, so that the mean comes with its standard error, and leaves the caller's generators as they were.
"""

from interp.explain.methods.deep_lift import MethodRefusedError
from interp.explain.methods.run import (
    MethodRequest,
    WordAttributions,
    check_seed,
    request_method,
    required_packages,
    run_method,
)
from interp.explain.methods.table import METHODS

__all__ = [
    "METHODS",
    "MethodRefusedError",
    "MethodRequest",
    "WordAttributions",
    "check_seed",
    "request_method",
    "required_packages",
    "run_method",
]
