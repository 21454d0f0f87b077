"""The use case: a question and a model become an explanation."""

from interp.explain.model import Model, load

__all__ = ["Model", "load"]
