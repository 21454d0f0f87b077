"""The only place that imports transformers: loading, the families table, sub-tokens, and rows through the model."""
