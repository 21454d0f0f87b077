"""The JSON Schema of documents that are dataclasses: described as those are, field by field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ConfigDict, TypeAdapter, with_config

__all__ = ["described_schema"]


def described_schema(document: type, parts: Iterable[type], name: str) -> dict[str, Any]:
    """Draft 2020-12, of a document whose entry "schema" is `name`. `parts`: the dataclasses that it is made of, itself
    among them, whose docstrings are the descriptions.
    """
    for data_class in parts:
        with_config(ConfigDict(use_attribute_docstrings=True))(data_class)
    content = TypeAdapter(document).json_schema()
    content["properties"] = {"schema": {"const": name}, **content["properties"]}
    content["required"] = ["schema", *content["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, **content}
