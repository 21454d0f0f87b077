"""A user's project on disk: its settings in pyproject.toml, TOML held to a schema, files written whole."""
