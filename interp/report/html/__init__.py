"""Reports as self-contained pages: no network, no script needed to read them, everything escaped."""
