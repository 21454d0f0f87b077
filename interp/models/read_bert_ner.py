"""A directory as kamalkraj/BERT-NER writes it."""

from __future__ import annotations

from pathlib import Path

from transformers import BertConfig, BertTokenizer

from interp.errors import ModelError
from interp.models.checkpoint import Checkpoint, StoredConfig, label_names, read_weights, stored_settings
from interp.models.config_files import BertNerKeys, check_keys, read_settings
from interp.models.fingerprint import fingerprint
from interp.models.stored_files import check_configuration

__all__ = ["read_bert_ner"]


def read_bert_ner(source: str, local: bool) -> Checkpoint:
    """Labels are in model_config.json from "1" on, logit 0 is without a name. Raises ModelError."""
    folder = Path(source)
    settings = read_settings(folder / "model_config.json")
    check_keys(settings, BertNerKeys, f'model_config.json of "{source}"')
    names = {int(number): label for number, label in settings["label_map"].items()}
    count, lower = settings["num_labels"], settings["do_lower"]
    if strange := sorted(number for number in names if not 0 <= number < count):
        raise ModelError(f'model_config.json of "{source}" names logit {strange[0]} of {count}: mend its label_map.')
    configuration = stored_settings(source, local)
    size = check_configuration(source, configuration)
    config = BertConfig.from_pretrained(source, local_files_only=local, num_labels=count)
    model = read_weights(StoredConfig(config=config, settings=configuration, size=size), source, local)
    vocabulary = (folder / "vocab.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
    tokenizer = BertTokenizer(vocab={token: number for number, token in enumerate(vocabulary)}, do_lower_case=lower)
    labels = label_names({number: names.get(number, f"[{number}]") for number in range(count)}, "model_config.json")
    identity = fingerprint(model.state_dict(), tokenizer, labels=labels, configuration=configuration)
    return Checkpoint(model=model, tokenizer=tokenizer, labels=labels, identity=identity)
