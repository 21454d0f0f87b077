"""The use case: a question and a model become an explanation.

A question is resolved once (`prepare`), its path is swept (`integrate`), and what comes of it is put together
(`assemble`); `Model` is the door.
"""

from interp.explain.load_model import load
from interp.explain.model import Model
from interp.explain.prepare import PreparedQuestion

__all__ = ["Model", "PreparedQuestion", "load"]
