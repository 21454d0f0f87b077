"""Columns of tagged words in every spelling: read as what they are, or refused with line and remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interp.errors import InputError
from interp.texts.spec import OPTIONS
from tests.labelled import lengths_or_refusal, read, shown


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def tagged(tags: str) -> str:
    return "".join(
        f"{word}\t{tag}\n" for word, tag in zip(("Anna", "Berg", "of", "Reuters"), tags.split(), strict=True)
    )


RIGHT = "Anna/B-PER Berg/I-PER of/O Reuters/B-ORG"


@pytest.mark.parametrize(
    "tags",
    [
        "B-PER I-PER O B-ORG",
        "I-PER I-PER O I-ORG",
        "PER PER O ORG",
        "B-PER L-PER O U-ORG",
        "B-PER E-PER O S-ORG",
        "M-PER E-PER O S-ORG",
        "B_PER I_PER O B_ORG",
        "B:PER I:PER O B:ORG",
        "PER-B PER-I O ORG-B",
        "PER_B PER_I O ORG_B",
        "BEGIN-PER INSIDE-PER O BEGIN-ORG",
        "B–PER I‑PER O B−ORG",
        '"B-PER" "I-PER" "O" "B-ORG"',
        "NER=B-PER NER=I-PER NER=O NER=B-ORG",
        "B-PER I-PER NER=O B-ORG",
        "B-PER I-PER o B-ORG",
        "B-PER I-PER 0 B-ORG",
        "B-PER I-PER _ B-ORG",
        "B-PER I-PER * B-ORG",
        "B-PER I-PER - B-ORG",
        "B-PER I-PER ? B-ORG",
    ],
)
def test_spellings_of_the_same_tags(tags: str) -> None:
    assert shown(read(tagged(tags))[0]) == RIGHT


@pytest.mark.parametrize(
    ("tags", "options", "expected"),
    [
        ("b-per i-per o b-org", "", "Anna/B-per Berg/I-per of/O Reuters/B-org"),
        ("b-per i-per o b-org", "?map=per=PER,org=ORG", RIGHT),
        ("e-mail e-mail O s-bahn", "", "Anna/B-e-mail Berg/I-e-mail of/O Reuters/B-s-bahn"),
        ("DATE DATE O E-MAIL", "", "Anna/B-DATE Berg/I-DATE of/O Reuters/B-E-MAIL"),
        ("B-PER - O B-ORG", "", "Anna/B-PER Berg/? of/O Reuters/B-ORG"),
        ("B-PER ? O B-ORG", "", "Anna/B-PER Berg/? of/O Reuters/B-ORG"),
        ("B-PER I-PER -100 B-ORG", "", "Anna/B-PER Berg/I-PER of/? Reuters/B-ORG"),
        ("B-PER - I-PER O", "", "Anna/B-PER Berg/? of/I-PER Reuters/O"),
        ("B I O B", "?kind=PER", "Anna/B-PER Berg/I-PER of/O Reuters/B-PER"),
        ("b i o b", "?kind=PER", "Anna/B-PER Berg/I-PER of/O Reuters/B-PER"),
        ("B I O B", "?map=B=B-ORG,I=I-ORG", "Anna/B-ORG Berg/I-ORG of/O Reuters/B-ORG"),
        ("1 2 0 3", "?map=0=O,1=B-PER,2=I-PER,3=B-ORG", RIGHT),
        ("B-PERSON I-PERSON O B-GPE", "?map=PERSON=PER,GPE=LOC", "Anna/B-PER Berg/I-PER of/O Reuters/B-LOC"),
        ("B-PERSON I-PERSON O B-GPE", "?map=PERSON=PER,GPE=O", "Anna/B-PER Berg/I-PER of/O Reuters/O"),
        ("B-PERSON I-PERSON O B-GPE", "?map=PERSON=?", "Anna/? Berg/? of/O Reuters/B-GPE"),
        ("PERSON PERSON O ORG", "?map=PERSON=PER", RIGHT),
        ("B-PER _ O B-ORG", "?map=_=O", "Anna/B-PER Berg/O of/O Reuters/B-ORG"),
        ("B-PER I-PER _ B-ORG", "?map=_=?", "Anna/B-PER Berg/I-PER of/? Reuters/B-ORG"),
        ("B-PER I-PER OTHER B-ORG", "?map=OTHER=O", RIGHT),
        ("B-A+B I-A+B O B-ORG", "?map=A+B=PER", RIGHT),
    ],
)
def test_what_tags_mean(tags: str, options: str, expected: str) -> None:
    assert shown(read(tagged(tags), options)[0]) == expected


@pytest.mark.parametrize(
    ("tags", "options", "message"),
    [
        ("B I O B", "", "x:1: the tags `B`, `I` name no kind of entity: name it, as in ?kind=PER."),
        ("B- I- O B-", "", "x:1: the tags `B-`, `I-` name no kind"),
        ("B I O B-ORG", "", "x:1: the tag `B` names no kind, while `B-ORG` does: say what it is, as in ?map=B=B-PER."),
        ("B-PER I-PER O ORG", "", "x:4: the tag `ORG` has no mark, while `B-PER` has"),
        ("B-PER I-PER OTHER B-ORG", "", "x:3: the tag `OTHER` has no mark"),
        ("B-PER I-PER None B-ORG", "", "x:3: the tag `None` has no mark"),
        ("B-PER 0 O B-ORG", "", "x:2: the tag `0` stands beside `O`: say with ?map=0=O"),
        ("B-PER _ O B-ORG", "", "x:2: the tag `_` stands beside `O`"),
        ("B-PER * o B-ORG", "", "x:2: the tag `*` stands beside `O`"),
        ("B-PER _ - B-ORG", "", "x:3: `_` and `-` both stand for no entity"),
        ("- - - -", "", "x:1: every tag is `-`"),
        ("0 0 0 0", "", "x:1: every tag is `0`"),
        ("1 2 0 3", "", "x:1: the tag `1` is a number: say what numbers mean, as in ?map=0=O,1=B-PER,2=I-PER."),
        ("B-PER 7 O B-ORG", "", "x:2: the tag `7` is a number"),
        ("B-PER|B-ORG O O O", "", "x:1: `B-PER|B-ORG` is two tags"),
        ("B-PER/B-ORG O O O", "", "x:1: `B-PER/B-ORG` is two tags"),
        ("B-PER [X] O O", "", "x:2: `[X]` is no tag of a word"),
        ("-B-PER O O O", "", "x:1: `-B-PER` is no tag of a word"),
        ("B-O O O O", "", "x:1: `B-O` names no kind of entity"),
        ("(PER* *) * (ORG)", "", "x:1: `(PER*` is a bracket, and no tag: write ?format=ontonotes"),
        ("NER=B-PER|SpaceAfter=No O O O", "", "x:1: `B-PER|SpaceAfter=No` is a field with its name"),
        ("B-PER I-PER O B-ORG", "?kind=PER", "x: ?kind=PER is for tags that name no kind"),
        ("B-PER I-PER O B-ORG", "?map=PER", "is no list of names, as in ?map=PERSON=PER,GPE=LOC"),
        ("B-PER I-PER O B-ORG", "?map=PER=", "is no list of names"),
        ("B-PER I-PER O B-ORG", "?map=PER=A,PER=B", "?map= names PER twice"),
        ("B-PER I-PER O B-ORG", "?map=PER=A&map=PER=B", "an option comes twice"),
        ("B-PER I-PER O B-ORG", "?tag=2", "x:1: has 2 columns, and word=0, tag=2 are asked for"),
        ("B-PER I-PER O B-ORG", "?tag=0", "x:1: word=0 and tag=0 are one column"),
        ("B-PER I-PER O B-ORG", "?comments=maybe", "write comments=yes or no"),
        ("B-PER I-PER O B-ORG", "?format=conlu", '"format=conlu" is unknown: write format=conllu or ontonotes'),
    ],
)
def test_tags_that_are_refused_by_name(tags: str, options: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read(tagged(tags), options)


def test_most_words_cannot_be_of_one_kind() -> None:
    text = "".join(f"word{index} {'PER' if index == 3 else 'NONE'}\n" for index in range(20))
    with pytest.raises(InputError, match=r"most words have the tag `NONE`.*\?map=NONE=O"):
        read(text)
    assert shown(read(text, "?map=NONE=O")[0]).count("/O") == 19
    with pytest.raises(InputError, match="there are 40 tags for 40 words"):
        read("".join(f"word tag{index}\n" for index in range(40)))


TABLE = "Anna{s}B-PER\nBerg{s}I-PER\n.{s}O\n\nParis{s}B-LOC\nwins{s}O\n"
TWO = "Anna/B-PER Berg/I-PER ./O | Paris/B-LOC wins/O"


@pytest.mark.parametrize("separator", ["\t", " ", "   ", " \t ", "\t\t", ",", ", ", ";", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", " \n", "\t\n", "\u00a0\n"])
def test_separators_and_line_ends(separator: str, ending: str) -> None:
    assert shown(read(TABLE.format(s=separator).replace("\n", ending))[0]) == TWO


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeff" + TABLE.format(s="\t"), TWO),
        (TABLE.format(s="\t").replace("Berg\t", "Berg "), TWO),
        (TABLE.format(s=",").replace("\n\n", "\n,\n"), TWO),
        ("token\ttag\n" + TABLE.format(s="\t"), TWO),
        ("word,tag\n" + TABLE.format(s=","), TWO),
        ("-DOCSTART- -X-\n" + TABLE.format(s=" "), TWO),
        ("-DOCSTART-\t-X-\tO\n\n" + TABLE.format(s="\t"), TWO),
        (TABLE.format(s=" ").replace("\n\n", "\n-DOCSTART- O\n-DOCSTART- O\n"), TWO),
        (TABLE.format(s=" ").replace("\n\n", "\n#end document\n#begin document (b); part 1\n"), TWO),
        ("# id\n" + TABLE.format(s=" ").replace("\n\n", "\n\n# sent = 2\n"), TWO),
        ("#\thttp://example.org [2009]\n" + TABLE.format(s="\t"), TWO),
        ("New York\tB-LOC\nwins\tO\n", "New York/B-LOC wins/O"),
        ("New York   B-LOC\nwins       O\n", "New York/B-LOC wins/O"),
        ("New\u00a0York B-LOC\nwins O\n", "New\u00a0York/B-LOC wins/O"),
        ("# id\nAnna B-PER\n# O\n#tag O\n# B-LOC\n", "Anna/B-PER #/O #tag/O #/B-LOC"),
        ('"Anna","B-PER"\n""",""","O"\n"a, b","O"\n', 'Anna/B-PER ","/O a, b/O'),
        ('"Anna"\t"B-PER"\n"won"\t"O"\n', "Anna/B-PER won/O"),
        ('Anna\tB-PER\n""""\tO\n', 'Anna/B-PER "/O'),
        ('Anna\tB-PER\n"\tO\n', 'Anna/B-PER "/O'),
        ("Anna\tB-PER\u200b\nBerg\tI-PER\nwon\tO\n", "Anna/B-PER Berg/I-PER won/O"),
        ("Anna,B-PER\n,,O\n", "Anna/B-PER ,/O"),
        ("Anna;B-PER\n;;O\n", "Anna/B-PER ;/O"),
        (", O\n", ",/O"),
        ("EU NNP B-NP B-ORG\nrejects VBZ B-VP O\n", "EU/B-ORG rejects/O"),
        ("word\ttag\tpos\nEU\tB-ORG\tNNP\nis\tO\tVBZ\n", "EU/B-ORG is/O"),
        (
            "Sentence #,Word,POS,Tag\nSentence: 1,Anna,NNP,B-PER\n,won,VBD,O\nSentence: 2,Rome,NNP,B-LOC\n",
            "Anna/B-PER won/O | Rome/B-LOC",
        ),
        (",sentence_id,word,tag\n0,1,Anna,B-PER\n1,1,won,O\n2,2,Rome,B-LOC\n", "Anna/B-PER won/O | Rome/B-LOC"),
        ("\tO\nAnna\tB-PER\n", "Anna/B-PER"),
        ("Anna\tB-PER\n\u200b\tI-PER\nBerg\tI-PER\n", "Anna/B-PER \u200b/I-PER Berg/I-PER"),
    ],
)
def test_structure_is_no_words(text: str, expected: str) -> None:
    assert shown(read(text)[0]) == expected


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("Anna\nBerg\n", "", "x:1: has one column, where a word and its tag are asked for: write ?tag=none"),
        ("Anna B-PER\nBerg\n", "", "x:2: has 1 column where most lines have 2"),
        ("Anna\tB-PER\nBerg\t\n", "", "x:2: has an empty tag"),
        ("Anna,B-PER\nBerg\nwins,O\n", "", "x:2: has 1 column where most lines have 2, parted by `,`"),
        ("Anna B-PER\n#lone\nwins O\n", "", "x:2: has 1 column where the others have 2"),
        ("# id\nAnna B-PER\n", "?comments=no", "x:1: the tag `id` has no mark"),
        ("\tB-PER\nAnna\tB-PER\n", "", "x:1: has the tag B-PER and no word"),
        ("1 Anna O\n2 won O\n\n1 Rome B-LOC\n", "", "x:1: column 0 holds running numbers, and no words"),
        ("0,Anna,B-PER\n1,won,O\n2,Rome,B-LOC\n", "", "x:1: column 0 holds running numbers"),
        ("EU\tB-ORG\tNNP\nis\tO\tVBZ\n", "", "column 2 holds NNP, VBZ, while column 1 holds tags such as B-ORG"),
        ("1\tEU\tB-ORG\tO\n2\tis\tO\tO\n", "", "x:1: looks like GermEval: write ?format=germeval"),
        ("1\tEU\tB-ORG\tO\n2\tis\tO\tO\n", "?word=1", "looks like GermEval"),
        ("Anna/B-PER won/O\nRome/B-LOC wins/O now/O\n", "", "where most lines have"),
        ("B-PER Anna\nO won\n", "", "column 1 holds Anna, won, while column 0 holds tags such as B-PER"),
        ("Anna B-PER\n<doc>\n", "", "x:2: has 1 column where"),
    ],
)
def test_columns_that_are_refused(text: str, options: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read(text, options)


def test_documents_end_at_their_marks() -> None:
    text = "-DOCSTART- O\nAnna O\n\nwins O\n-DOCSTART- O\nRome O\n"
    assert [sentence.document for sentence in read(text)[0]] == ["x#1", "x#1", "x#2"]


@pytest.mark.parametrize(
    ("text", "options", "note"),
    [
        (tagged("O O O O"), "", "x: every right tag is O (4 words), so that F1 cannot be told."),
        (tagged("B-PER I-PER 0 B-ORG"), "", "x: no tag is `O`, so `0` is read as it (1 word)."),
        (tagged("B-PER - - O"), "", "x: 2 words of unknown tag left out of scoring."),
        (tagged("B-PER I-PER O O"), "?map=PRESON=PER", "x: ?map= names PRESON, which does not stand there"),
        ("-DOCSTART- O\nAnna B-PER\n# a = 1\n", "", "x: 2 lines of comments, headers or marks of documents skipped"),
        ("\tO\nAnna\tB-PER\n", "", "x: 1 line without a word left out, line 1 first."),
        ("Anna PER\nwins VERB\n", "", "x: no word is outside; the tags `PER`, `VERB` are read as kinds."),
        ("住在北京天安门广场附近的 O\nAnna B-PER\n", "", 'x: 1 word, such as "住在北京天安门广场附近的"'),
        ("Anna B-PER\n" + "word O\n" * 600, "", "x: has no empty line, so that all 601 words are one sentence."),
    ],
)
def test_what_was_left_out_is_said_once(text: str, options: str, note: str) -> None:
    notes = [said for said in read(text, options)[1] if note in said]
    assert len(notes) == 1, notes


def test_nothing_is_said_of_a_plain_file() -> None:
    assert read(TABLE.format(s="\t"))[1] == []


def test_columns_are_no_text() -> None:
    with pytest.raises(
        InputError, match=re.escape("x:1: every line is a word with its tag, and no sentence: write conll:x.")
    ):
        read(TABLE.format(s=" "), kind="text")
    assert shown(read("Vitamin O\nSo it goes\nAnna won\n", kind="text")[0]) == "Vitamin O | So it goes | Anna won"


CELLS = st.sampled_from(
    ["Anna", "#", "# a", "O", "B-PER", "I-PER", "-", "0", "1", '"', ",", "", "-DOCSTART-", "(PER*", "\u200b"]
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(CELLS, max_size=4), max_size=6),
    separator=st.sampled_from(["\t", " ", ",", ";"]),
    options=st.sampled_from(["", "?tag=none", "?word=1&tag=0", "?format=ontonotes&word=0&tag=1", "?comments=yes"]),
)
def test_any_columns_are_read_or_refused(rows: list[list[str]], separator: str, options: str) -> None:
    outcome = lengths_or_refusal("\n".join(separator.join(row) for row in rows), options)
    if isinstance(outcome, str):
        assert outcome.endswith(".") and "\n" not in outcome
    else:
        assert outcome and all(words == tags for words, tags in outcome)


# --- formats that are read by name

CONLLU = (
    "# newdoc id = a\n# text = Anna zum\n"
    "1\tAnna\tanna\tPROPN\t_\t_\t0\troot\t_\tNER=B-PER|SpaceAfter=No\n"
    "2-3\tzum\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "2\tzu\tzu\tADP\t_\t_\t1\tcase\t_\t{second}\n"
    "3\tdem\tder\tDET\t_\t_\t1\tdet\t_\t_\n\n"
    "# newdoc id = b\n1\t#\t#\tSYM\t_\t_\t0\troot\t_\tNER=B-LOC\n"
)
ONTONOTES = (
    "#begin document (nw/x); part 000\n"
    "x 0 0 Maria NNP (NP* - - - - (PERSON* (A* -\nx 0 1 Keller NNP *) - - - - *) *) -\nx 0 2 # NNP *) - - - - * -\n\n"
    "x 0 0 Paris NNP (NP*)) - - - - (GPE) (ARG1*) (V*) -\n#end document\n"
)
GERMEVAL = "#\thttp://x [2009]\n1\tAnna\tB-PER\tB-LOC\n2\tBerg\tI-PER\tO\n\n#\ty\n1\t#\tO\tO\n"


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        (CONLLU.format(second="_"), "?format=conllu", "Anna/B-PER zu/O dem/O | #/B-LOC"),
        (CONLLU.format(second="NER=O"), "?format=conllu", "Anna/B-PER zu/O dem/? | #/B-LOC"),
        (CONLLU.format(second="Other=B-X"), "?format=conllu&field=NER", "Anna/B-PER zu/O dem/O | #/B-LOC"),
        (CONLLU.format(second="_"), "?format=conllu&tag=none", "Anna zu dem | #"),
        (ONTONOTES, "?format=ontonotes", "Maria/B-PERSON Keller/I-PERSON #/O | Paris/B-GPE"),
        (ONTONOTES, "?format=ontonotes&map=PERSON=PER,GPE=LOC", "Maria/B-PER Keller/I-PER #/O | Paris/B-LOC"),
        ("Anna (PER*\nBerg *)\n# *\n", "?format=ontonotes&word=0&tag=1", "Anna/B-PER Berg/I-PER #/O"),
        (GERMEVAL, "?format=germeval", "Anna/B-PER Berg/I-PER | #/O"),
        (GERMEVAL, "?format=germeval&tag=3", "Anna/B-LOC Berg/O | #/O"),
        (GERMEVAL, "?word=1&tag=2", "Anna/B-PER Berg/I-PER | #/O"),
    ],
)
def test_formats_that_are_named(text: str, options: str, expected: str) -> None:
    assert shown(read(text, options)[0]) == expected


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (CONLLU, "", "x:3: looks like CoNLL-U: write ?format=conllu"),
        (CONLLU, "?word=1&tag=9", "write ?format=conllu"),
        (ONTONOTES, "", "x:2: looks like OntoNotes"),
        (ONTONOTES, "?comments=yes", "write ?format=ontonotes"),
        (GERMEVAL, "", "x:2: looks like GermEval"),
        (CONLLU.format(second="Other=B-X"), "?format=conllu", "several fields of MISC hold tags (NER, Other)"),
        (CONLLU.replace("NER=", "A="), "?format=conllu&field=B", "no word has the field B in MISC"),
        (CONLLU.replace("NER=B-PER|", "").replace("NER=B-LOC", "_"), "?format=conllu", "no field of MISC holds tags"),
        (CONLLU, "?format=conllu&tag=3", "?format=conllu knows no tag="),
        ("1\tAnna\tB-PER\n", "?format=conllu", "x:1: has 3 columns, and CoNLL-U 10"),
        ("Anna\tB-PER\n", "?format=germeval", "x:1: is no line of GermEval"),
        (ONTONOTES.replace("*) *) -", "* *) -"), "?format=ontonotes", "x:4: the entity of kind PERSON does not end"),
        (ONTONOTES.replace("(GPE)", "*)"), "?format=ontonotes", "x:6: the bracket `*)` does not fit"),
        (ONTONOTES.replace("(GPE)", "(A(B)"), "?format=ontonotes", "x:6: the bracket `(A(B)` does not fit"),
        ("Anna x\n", "?format=ontonotes", "x:1: has 2 columns, and word=3, tag=10 are asked for"),
    ],
)
def test_formats_that_are_refused(text: str, options: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read(text, options)


def test_every_option_is_documented() -> None:
    page = Path(__file__).parents[1].joinpath("docs", "labelled-text.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[?&](\w+)=", page))
    assert named == {name for names in OPTIONS.values() for name in names}
