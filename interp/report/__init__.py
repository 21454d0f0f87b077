"""Explanations and goldens as terminal text, figures and self-contained pages: renders, never computes."""
