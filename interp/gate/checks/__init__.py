"""What a candidate is judged by: one file a check."""
