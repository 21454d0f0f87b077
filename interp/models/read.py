"""A checkpoint in whichever form it is stored: a Hugging Face directory or hub id, BERT-NER's, or an adapter."""

from __future__ import annotations

from pathlib import Path

from interp.errors import ModelError
from interp.models.checkpoint import (
    HEAD,
    Checkpoint,
    has_tagging_head,
    label_names,
    read_config,
    read_tokenizer,
    read_weights,
    stored_settings,
)
from interp.models.fingerprint import fingerprint
from interp.models.read_adapter import read_adapter
from interp.models.read_bert_ner import read_bert_ner

__all__ = ["read_checkpoint"]


def read_checkpoint(source: str, local: bool) -> Checkpoint:
    """Read a model at `source`, a directory or a hub id; `local`: ask nobody. Raises ModelError for one that does not
    tag words, and whatever the libraries raise for one that is damaged.
    """
    folder = Path(source)
    if (folder / "model_config.json").is_file():
        return read_bert_ner(source, local)
    if (folder / "adapter_config.json").is_file():
        if any(folder.glob("model*.safetensors")) or any(folder.glob("pytorch_model*.bin")):
            raise ModelError(f'"{source}" holds a whole model and an adapter: keep one of them there.')
        return read_adapter(source)
    return _read_hugging_face(source, local)


def _read_hugging_face(source: str, local: bool) -> Checkpoint:
    config = read_config(source, local)
    if not has_tagging_head(config):
        architectures = ", ".join(config.architectures or []) or "none"
        raise ModelError(
            f'"{source}" has no head that tags words (needs …{HEAD}, has {architectures}): fine-tune it for tagging '
            "first."
        )
    model = read_weights(config, source, local)
    tokenizer = read_tokenizer(source, local)
    labels = label_names(config.id2label)
    identity = fingerprint(model.state_dict(), tokenizer, labels=labels, configuration=stored_settings(source, local))
    return Checkpoint(model=model, tokenizer=tokenizer, labels=labels, identity=identity)
