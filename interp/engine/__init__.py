"""Tensors in, integrals with their error out: knows neither transformers nor words, and imports errors alone."""
