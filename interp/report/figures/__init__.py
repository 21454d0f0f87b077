"""The five views of an explanation as figures, drawn on matplotlib's objects alone: no pyplot state, no display."""
