"""`spacy:`: pipelines as they are in production, installed or in a directory."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import spacy
from gating import NAMES
from pipelines import CUE, drawn
from spacy.language import Language
from spacy.tokens import Doc

from interp.errors import InputError, ModelError
from interp.taggers import Predictor, check_tagger, load_tagger


def tags(tagger: Predictor, words: Sequence[str]) -> list[str]:
    return [tagger.labels[tag] for tag in tagger([words])[0].argmax(-1)]


def copied(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target


def test_a_pipeline_tags_what_it_was_trained_on(pipeline: Path) -> None:
    tagger = load_tagger(f"spacy:{pipeline}", [])
    assert tagger.labels == ("O", "B-PERSON", "I-PERSON") and not tagger.gives_probabilities
    sentences = drawn(50, seed=9)
    right = total = 0
    for sentence, rows in zip(sentences, tagger([sentence.words for sentence in sentences]), strict=True):
        assert set(rows.flat) == {0.0, 1.0} and (rows.sum(axis=1) == 1).all()
        given = [tagger.labels[tag] for tag in rows.argmax(-1)]
        right += sum(tag == expected for tag, expected in zip(given, sentence.tags, strict=True))
        total += len(given)
    assert right / total > 0.95


def test_tags_are_the_entities_that_spacy_itself_gives(leaning_pipeline: Path) -> None:
    """Held against `doc.ents` of a document whose tokens are the words."""
    tagger, nlp = load_tagger(f"spacy:{leaning_pipeline}", []), spacy.load(leaning_pipeline)
    for sentence in drawn(30, seed=10):
        document = nlp(" ".join(sentence.words))
        assert [token.text for token in document] == list(sentence.words)
        expected = [f"{token.ent_iob_}-{token.ent_type_}".rstrip("-") for token in document]
        assert tags(tagger, sentence.words) == expected


def test_words_are_any_strings(pipeline: Path) -> None:
    tagger = load_tagger(f"spacy:{pipeline}", [])
    words = ("👩‍🚀", "e\u0301", "Dorothy", "a\nb", "Annabel  Robert", "", "Cidney")
    given = tags(tagger, words)
    assert [given[2], given[4], given[6]] == ["B-PERSON"] * 3 and given[5] == "O"
    assert tagger([()])[0].shape == (0, 3) and tagger([]) == []
    assert len(tags(tagger, NAMES * 2000)) == 8000


def test_a_span_that_cuts_a_word_is_counted(pipeline: Path) -> None:
    tagger = load_tagger(f"spacy:{pipeline}", [])
    assert tags(tagger, ["said", "Robert/under"])[1] in ("B-PERSON", "O")
    nlp = spacy.load(pipeline)
    nlp.add_pipe("entity_ruler", before="ner").add_patterns([{"label": "ORG", "pattern": "winning"}])
    folder = pipeline.parent / "with_rules"
    nlp.to_disk(folder)
    tagger = load_tagger(f"spacy:{folder}", [])
    assert tagger.labels == ("O", "B-ORG", "I-ORG", "B-PERSON", "I-PERSON")
    assert tags(tagger, ["said", "winning-beside", "Robert"]) == ["O", "B-ORG", "B-PERSON"]
    assert tagger.notices == (f"spacy:{folder}: 1 of 2 spans cut a word, which counts as a whole.",)


def test_spans_of_a_ruler_count_where_it_writes_them_to_entities(tmp_path: Path) -> None:
    for annotates in (True, False):
        nlp = spacy.blank("en")
        ruler = nlp.add_pipe("span_ruler", config={"annotate_ents": annotates})
        ruler.add_patterns([{"label": "ORG", "pattern": "Acme Corp"}])
        nlp.to_disk(tmp_path / str(annotates))
    tagger = load_tagger(f"spacy:{tmp_path / 'True'}", [])
    assert tags(tagger, ["Acme", "Corp", "wins"]) == ["B-ORG", "I-ORG", "O"]
    with pytest.raises(ModelError, match="sets no entities: its parts are span_ruler"):
        load_tagger(f"spacy:{tmp_path / 'False'}", [])


def test_a_pipeline_without_entities_is_refused(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.to_disk(tmp_path / "empty")
    with pytest.raises(ModelError, match=r"sets no entities: its parts are none\.$"):
        load_tagger(f"spacy:{tmp_path / 'empty'}", [])
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "sentences")
    with pytest.raises(ModelError, match=r"sets no entities: its parts are sentencizer\.$"):
        load_tagger(f"spacy:{tmp_path / 'sentences'}", [])


def test_a_part_that_is_switched_off_gives_no_kinds(pipeline: Path, tmp_path: Path) -> None:
    nlp = spacy.load(pipeline)
    nlp.disable_pipe("ner")
    nlp.to_disk(tmp_path / "off")
    with pytest.raises(ModelError, match="sets no entities"):
        load_tagger(f"spacy:{tmp_path / 'off'}", [])


def test_what_spacy_warns_of_is_a_notice(pipeline: Path, tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    folder = copied(pipeline, tmp_path / "old")
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps(meta | {"spacy_version": ">=3.1.0,<3.2.0"}))
    (notice,) = load_tagger(f"spacy:{folder}", []).notices
    assert notice.startswith(f"spacy:{folder}: [W095] Model ") and "trained with spaCy v3.1" in notice
    assert not recwarn.list


def test_the_fingerprint_covers_every_file(pipeline: Path, leaning_pipeline: Path, tmp_path: Path) -> None:
    first = load_tagger(f"spacy:{pipeline}", []).sha256
    same = load_tagger(f"spacy:{copied(pipeline, tmp_path / 'same')}", []).sha256
    changed = copied(pipeline, tmp_path / "changed")
    (changed / "config.cfg").write_text(
        (changed / "config.cfg").read_text().replace("batch_size = 1000", "batch_size = 3")
    )
    others = {load_tagger(f"spacy:{folder}", []).sha256 for folder in (changed, leaning_pipeline)}
    assert first == same and len({first, *others}) == 3


def test_code_without_a_version_has_no_fingerprint(pipeline: Path, tmp_path: Path) -> None:
    name = "part_of_this_test"

    @Language.component(name)
    def _leave(document: Doc) -> Doc:
        return document

    nlp = spacy.load(pipeline)
    nlp.add_pipe(name)
    nlp.to_disk(tmp_path / "own")
    assert load_tagger(f"spacy:{tmp_path / 'own'}", []).sha256 == ""


@pytest.fixture
def installed(pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a package as `spacy package` makes it, on the path."""
    name, version = "en_interp_test", "1.2.3"
    package = tmp_path / "site" / name
    inner = copied(pipeline, package / f"{name}-{version}")
    meta = json.loads((inner / "meta.json").read_text()) | {"name": "interp_test", "version": version}
    for file in (inner / "meta.json", package / "meta.json"):
        file.write_text(json.dumps(meta))
    (package / "__init__.py").write_text(
        "from spacy.util import load_model_from_init_py\n\n\ndef load(**overrides):\n"
        "    return load_model_from_init_py(__file__, **overrides)\n"
    )
    information = tmp_path / "site" / f"{name}-{version}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return name


def test_an_installed_pipeline_goes_by_its_name(installed: str, tmp_path: Path) -> None:
    check_tagger(f"spacy:{installed}")
    assert installed not in sys.modules, "a check imports nothing"
    tagger = load_tagger(f"spacy:{installed}", [])
    assert tags(tagger, ["Robert", CUE, "said"])[0] == "B-PERSON" and tagger.sha256
    with pytest.raises(InputError, match=r"no config\.cfg in it\. There is one in .*/en_interp_test-1\.2\.3\.$"):
        check_tagger(f"spacy:{tmp_path / 'site' / installed}")


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("nope", '"spacy:nope" is neither an installed pipeline of spaCy\'s nor the directory of one.'),
        ("numpy", '"spacy:numpy" is neither'),
        ("__main__", '"spacy:__main__" is neither'),
        ("no/such/folder", '"spacy:no/such/folder" is neither'),
        ("{empty}", "is no pipeline of spaCy's: there is no config.cfg and no meta.json in it."),
        ("{empty}?language=en", 'has the option "language", which is none: spacy: has none.'),
    ],
)
def test_what_is_no_pipeline_is_told_before_spacy_loads(location: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        check_tagger(f"spacy:{location.format(empty=tmp_path)}")
    assert message in str(refusal.value)


def broken_config(folder: Path) -> None:
    (folder / "config.cfg").write_text("[nlp\n")


def unknown_factory(folder: Path) -> None:
    text = (folder / "config.cfg").read_text()
    (folder / "config.cfg").write_text(text.replace('factory = "ner"', 'factory = "no_such_factory"'))


def missing_weights(folder: Path) -> None:
    (folder / "ner/model").unlink()


@pytest.mark.parametrize("breaking", [broken_config, unknown_factory, missing_weights])
def test_a_broken_pipeline_is_one_sentence(breaking: Callable[[Path], None], pipeline: Path, tmp_path: Path) -> None:
    folder = copied(pipeline, tmp_path / "broken")
    breaking(folder)
    with pytest.raises(ModelError) as refusal:
        load_tagger(f"spacy:{folder}", [])
    sentence = str(refusal.value)
    assert sentence.startswith(f"spacy:{folder} cannot be loaded: ") and "\n" not in sentence and len(sentence) < 400


def test_nothing_of_a_pipeline_is_unpickled(pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle

    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a pickle was read")

    monkeypatch.setattr(pickle, "load", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)
    monkeypatch.setattr(pickle, "Unpickler", refuse)
    assert tags(load_tagger(f"spacy:{pipeline}", []), ["Robert"]) == ["B-PERSON"]
