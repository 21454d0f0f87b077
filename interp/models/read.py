"""A checkpoint in whichever form it is stored: a Hugging Face directory or hub id, BERT-NER's, or an adapter."""

from __future__ import annotations

from pathlib import Path

from interp.errors import ModelError
from interp.models.checkpoint import (
    Checkpoint,
    check_architecture,
    check_label_order,
    label_names,
    naming_notices,
    read_config,
    read_tokenizer,
    read_weights,
)
from interp.models.fingerprint import fingerprint
from interp.models.read_adapter import read_adapter
from interp.models.read_bert_ner import read_bert_ner
from interp.models.stored_files import check_files

__all__ = ["read_checkpoint"]


def read_checkpoint(source: str, local: bool) -> Checkpoint:
    """Read a model at `source`, a directory or a hub id; `local`: ask nobody. Raises ModelError for one that does not
    tag words, and whatever the libraries raise for one that is damaged.
    """
    folder = Path(source)
    check_files(folder)
    if (folder / "model_config.json").is_file():
        return read_bert_ner(source, local)
    if (folder / "adapter_config.json").is_file():
        if any(folder.glob("model*.safetensors")) or any(folder.glob("pytorch_model*.bin")):
            raise ModelError(f'"{source}" holds a whole model and an adapter: keep one of them there.')
        return read_adapter(source)
    return _read_hugging_face(source, local)


def _read_hugging_face(source: str, local: bool) -> Checkpoint:
    stored = read_config(source, local)
    check_architecture(source, stored.config)
    labels = label_names(stored.config.id2label)
    check_label_order(stored.settings, labels)
    model = read_weights(stored, source, local)
    tokenizer = read_tokenizer(source, local)
    return Checkpoint(
        model=model,
        tokenizer=tokenizer,
        labels=labels,
        identity=fingerprint(model.state_dict(), tokenizer, labels=labels, configuration=stored.settings),
        notices=naming_notices(labels),
    )
