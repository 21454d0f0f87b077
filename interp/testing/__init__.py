"""The inside of the pytest plugin: what a run knows, case files as tests, goldens as snapshots."""
