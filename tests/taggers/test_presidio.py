"""`presidio:`: analyzers built of their files, on a pipeline that was trained here; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import spacy.cli
import yaml
from presidio_analyzer import AnalyzerEngineProvider

from interp.errors import InputError, ModelError
from interp.taggers import Predictor, check_tagger, load_tagger

CARD = "4111111111111111"
"""A number that passes the check of card numbers."""
Configure = Callable[..., str]


@pytest.fixture(autouse=True)
def _without_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise AssertionError("a pipeline would be downloaded")

    monkeypatch.setattr(spacy.cli, "download", refuse)


@pytest.fixture
def configure(pipeline: Path, tmp_path: Path) -> Configure:
    """The name of an analyzer with these settings."""

    def write(name: str = "analyzer", **changes: object) -> str:
        model = {"lang_code": "en", "model_name": str(pipeline)}
        settings: dict[str, object] = {
            "supported_languages": ["en"],
            "nlp_configuration": {"nlp_engine_name": "spacy", "models": [model]},
            "recognizer_registry": {
                "supported_languages": ["en"],
                "recognizers": [
                    {"name": "SpacyRecognizer", "type": "predefined"},
                    {"name": "CreditCardRecognizer", "type": "predefined"},
                    {
                        "name": "badges",
                        "type": "custom",
                        "supported_entity": "BADGE",
                        "supported_language": "en",
                        "patterns": [{"name": "badge", "regex": r"\bB-\d{3}\b", "score": 0.3}],
                    },
                ],
            },
        }
        settings |= changes
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump({key: value for key, value in settings.items() if value is not None}))
        return f"presidio:{path}"

    return write


def tags(tagger: Predictor, words: Sequence[str]) -> list[str]:
    return [tagger.labels[tag] for tag in tagger([words])[0].argmax(-1)]


def test_an_analyzer_tags_by_its_pipeline_and_by_its_rules(configure: Configure) -> None:
    tagger = load_tagger(configure(), [])
    assert {"B-PERSON", "I-PERSON", "B-CREDIT_CARD", "B-BADGE"} <= set(tagger.labels)
    assert list(tagger.labels[1::2]) == sorted(tagger.labels[1::2]) and not tagger.gives_probabilities
    words = ("said", "Robert", "under", CARD, "beside", "B-123")
    assert tags(tagger, words) == ["O", "B-PERSON", "O", "B-CREDIT_CARD", "O", "B-BADGE"]
    (rows,) = tagger([words])
    assert set(rows.flat) == {0.0, 1.0}, "scores of rules are no probabilities"


def test_tags_are_the_findings_of_presidio_itself(configure: Configure) -> None:
    name = configure()
    tagger, engine = load_tagger(name, []), AnalyzerEngineProvider(name.partition(":")[2]).create_engine()
    words = ["🚀", "Dorothy", "e\u0301", "B-456", CARD]
    text = " ".join(words)
    expected = {(text[finding.start : finding.end], finding.entity_type) for finding in engine.analyze(text, "en")}
    given = tags(tagger, words)
    assert {(word, tag[2:]) for word, tag in zip(words, given, strict=True) if tag != "O"} == expected
    assert {("Dorothy", "PERSON"), ("B-456", "BADGE"), (CARD, "CREDIT_CARD")} <= expected


def test_a_threshold_leaves_out_what_is_less_sure(configure: Configure) -> None:
    name = configure()
    words = ("Robert", "B-123")
    assert tags(load_tagger(f"{name}?threshold=0.3", []), words) == ["B-PERSON", "B-BADGE"]
    assert tags(load_tagger(f"{name}?threshold=0.31", []), words) == ["B-PERSON", "O"]


def test_of_findings_that_overlap_the_better_score_counts(configure: Configure) -> None:
    rules = [
        {
            "name": f"rule {score}",
            "type": "custom",
            "supported_entity": kind,
            "supported_language": "en",
            "patterns": [{"name": kind, "regex": regex, "score": score}],
        }
        for kind, regex, score in (("LONG", "Acme Corp", 0.9), ("SHORT", "Corp", 0.95))
    ]
    registry = {
        "supported_languages": ["en"],
        "recognizers": [{"name": "SpacyRecognizer", "type": "predefined"}, *rules],
    }
    tagger = load_tagger(configure(recognizer_registry=registry), [])
    first, second = tags(tagger, ["Acme", "Corp"])
    assert (first != "B-LONG", second) == (True, "B-SHORT")


def test_sections_may_stand_in_files_of_their_own(configure: Configure, tmp_path: Path) -> None:
    whole = configure()
    settings = yaml.safe_load(Path(whole.partition(":")[2]).read_text())
    for part, key in (("nlp", "nlp_configuration"), ("recognizers", "recognizer_registry")):
        (tmp_path / f"{part}.yaml").write_text(yaml.safe_dump(settings[key]))
    apart = configure("apart", nlp_configuration=None, recognizer_registry=None)
    tagger = load_tagger(f"{apart}?nlp={tmp_path}/nlp.yaml&recognizers={tmp_path}/recognizers.yaml", [])
    assert tagger.labels == load_tagger(whole, []).labels
    assert tags(tagger, ["Robert", "B-123"]) == ["B-PERSON", "B-BADGE"]


def test_the_fingerprint_covers_files_pipelines_and_options(configure: Configure, leaning_pipeline: Path) -> None:
    name = configure()
    other_model = [{"lang_code": "en", "model_name": str(leaning_pipeline)}]
    names = [
        name,
        f"{name}?threshold=0.5",
        configure("stricter", default_score_threshold=0.4),
        configure("leaning", nlp_configuration={"nlp_engine_name": "spacy", "models": other_model}),
    ]
    known = [load_tagger(name, []).sha256 for name in names]
    assert len(set(known)) == 4 and all(known) and load_tagger(configure("copy"), []).sha256 == known[0]


def test_what_a_server_or_another_model_decides_has_no_fingerprint(configure: Configure) -> None:
    from interp.taggers import presidio

    class Elsewhere:
        nlp_engine = None

        def get_recognizers(self, _language: str) -> list[object]:
            module = "presidio_analyzer.predefined_recognizers.third_party.langextract"
            return [type("Recognizer", (), {"__module__": module})()]

    from interp.taggers.spec import parse_tagger_spec

    assert presidio._fingerprint(parse_tagger_spec(configure()), Elsewhere(), "en") == ""  # type: ignore[arg-type]


def test_a_pipeline_that_is_not_installed_is_refused_and_not_downloaded(configure: Configure) -> None:
    models = [{"lang_code": "en", "model_name": "en_core_web_xx"}]
    for engine in ("spacy", "slim"):
        name = configure(nlp_configuration={"nlp_engine_name": engine, "models": models})
        with pytest.raises(InputError, match=r'"en_core_web_xx of presidio:.*" is neither an installed pipeline'):
            check_tagger(name)
    with pytest.raises(InputError, match=r'"en_core_web_lg of presidio:.*" is neither an installed pipeline'):
        load_tagger(configure(nlp_configuration=None), [])


def test_an_engine_that_would_download_is_refused(configure: Configure) -> None:
    models = [{"lang_code": "en", "model_name": {"spacy": "en", "transformers": "owner/name"}}]
    name = configure(nlp_configuration={"nlp_engine_name": "transformers", "models": models})
    with pytest.raises(InputError, match='has the NLP engine "transformers": no_op, slim, spacy are read here'):
        check_tagger(name)


def test_rules_need_no_pipeline(configure: Configure) -> None:
    models = [{"lang_code": "en", "model_name": "no_op"}]
    rules = [{"name": "CreditCardRecognizer", "type": "predefined"}]
    registry = {"supported_languages": ["en"], "recognizers": rules}
    name = configure(nlp_configuration={"nlp_engine_name": "no_op", "models": models}, recognizer_registry=registry)
    tagger = load_tagger(name, [])
    assert tags(tagger, ["Robert", CARD]) == ["O", "B-CREDIT_CARD"] and tagger.sha256


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("threshold=much", "threshold is a number from 0 to 1, and no much"),
        ("threshold=nan", "threshold is a number from 0 to 1, and no nan"),
        ("threshold=2", "threshold is a number from 0 to 1, and no 2"),
        ("lang=en", 'has the option "lang", which is none: presidio: has language, threshold, nlp, recognizers'),
        ("nlp=/no/such/file", "Cannot read /no/such/file: No such file"),
    ],
)
def test_an_option_that_does_not_fit_is_told(option: str, message: str, configure: Configure) -> None:
    with pytest.raises(InputError) as refusal:
        check_tagger(f"{configure()}?{option}")
    assert message in str(refusal.value)


def test_a_language_that_an_analyzer_does_not_know_is_told(configure: Configure) -> None:
    with pytest.raises(InputError, match="knows en, and no de: name a language"):
        load_tagger(f"{configure()}?language=de", [])


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("a: [1", InputError, "is no YAML: "),
        ("- a", InputError, "holds no settings of Presidio's"),
        ("", InputError, "holds no settings of Presidio's"),
        ("!!python/object/apply:os.system ['false']", InputError, "is no YAML: could not determine a constructor"),
        ("supported_languages: 3", ModelError, "cannot be built: "),
        ("nlp_configuration: {nlp_engine_name: spacy, models: 3}", ModelError, "cannot be built: "),
    ],
)
def test_a_file_that_is_no_analyzer_is_one_sentence(
    content: str, error: type[Exception], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(content)
    with pytest.raises(error) as refusal:
        load_tagger(f"presidio:{path}", [])
    sentence = str(refusal.value)
    assert message in sentence and "\n" not in sentence and len(sentence) < 500
