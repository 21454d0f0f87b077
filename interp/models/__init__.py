"""The only place that imports transformers: checkpoints, families and their parts, sub-tokens, rows through a model."""
