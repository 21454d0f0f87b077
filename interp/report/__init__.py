"""An explanation as terminal text, figures and one HTML page: renders, never computes attributions."""
