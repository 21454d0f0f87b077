"""The plan of a gate: what is estimated, what a budget leaves out, and what is measured again where it was not told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import pytest
from click.testing import CliRunner
from gating import NAMES, judged, opponent, predictor, records, sentences

from interp.cli import main
from interp.cli.durations import parse_duration
from interp.errors import InputError
from interp.gate import CheckStatus, ProbePlan, judge_candidate
from interp.gate.plan import SPARE, Pace, Work, fit_budget, measure_pace, plan_work
from interp.probe import ProbeSettings
from interp.records import RecordSettings
from interp.texts import Sentence, limit_explained

WORK = Work(sentences=320, recorded=2, pace=Pace(tagging=0.01, explaining=0.5), probing=ProbeSettings(), stress=None)

# --- how much


def test_a_plan_tells_every_part() -> None:
    plan = plan_work(WORK, explain=100, cues=300)
    assert [phase.label for phase in plan.phases] == ["tag 320 sentences", "explain 100", "probe 300 cues"]
    tag, explain, probe = (phase.seconds for phase in plan.phases)
    assert (tag, explain) == (pytest.approx(2 * 320 * 0.01), pytest.approx(2 * 100 * 0.5))
    # 300 cues in two places of 8 sentences, 12 of them in nine of 48, some beside their controls
    assert probe == pytest.approx(2 * 0.01 * (300 * 2 * 8 + 12 * 9 * 48 + 4 * 10 * 48))


def test_what_is_recorded_already_is_not_planned_for() -> None:
    recorded = Work(sentences=320, recorded=0, pace=WORK.pace, probing=None, stress=None)
    assert plan_work(recorded, explain=100, cues=300).seconds == 0


def test_a_budget_explains_fewer_before_it_tries_fewer() -> None:
    whole = plan_work(WORK, 200, 300).seconds
    assert fit_budget(WORK, 200, 300, budget=2 * whole) == plan_work(WORK, 200, 300)
    less = fit_budget(WORK, 200, 300, budget=0.8 * whole)
    assert less.explain < 200 and less.cues == 300 and less.seconds <= SPARE * 0.8 * whole
    least = fit_budget(WORK, 200, 300, budget=1.0)
    assert (least.explain, least.cues) == (10, 40) and least.seconds > 1


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("3m", 180), ("1.5 min", 90), ("1h", 3600)])
def test_spans_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-3m", "3 weeks", "m", "inf", "1e9"])
def test_what_is_no_span_of_time(text: str) -> None:
    with pytest.raises(InputError, match="write 90s, 3m or 1h"):
        parse_duration(text)


def test_a_budget_that_is_none_is_told_before_anything_is_loaded() -> None:
    told = CliRunner().invoke(main, ["gate", "--baseline", "open", "--candidate", "open", "--budget", "soon"])
    assert told.exit_code == 2 and '"soon" is no span of time' in told.output


def test_the_pace_of_a_tagger_that_cannot_be_explained_has_tags_alone() -> None:
    pace = measure_pace(predictor(), None, sentences(20), RecordSettings())
    assert pace.tagging > 0 and pace.explaining == 0


@pytest.mark.parametrize("asked", ["ten", "-1", "1.5", "9999999999"])
def test_how_many_are_explained_is_a_number_or_all(asked: str) -> None:
    told = CliRunner().invoke(main, ["gate", "--baseline", "open", "--candidate", "open", "--explain", asked])
    assert told.exit_code == 2 and re.search("--explain.*nor all", " ".join(told.output.split()))


# --- which are explained


def test_only_sentences_with_something_to_explain_are_chosen() -> None:
    some = [Sentence(f"s:{n}", "s", ("Rob", "won"), ("B-PER" if n % 3 == 0 else "O", "O")) for n in range(30)]
    limited = limit_explained(some, 8, seed=0)
    explained = [sentence for sentence in limited if sentence.targets is None]
    assert len(explained) == 8 and all(sentence.gold[0] == "B-PER" for sentence in explained if sentence.gold)
    assert limit_explained(some, 8, seed=0) == limited and limit_explained(some, None, seed=0) == some


# --- what could not be told


def test_cues_that_too_few_sentences_tell_nothing_of_are_probed_in_more() -> None:
    """After "said" the candidate says PER in a part of the sentences: by the word behind it, which scatters widely."""

    def wavering(words: Sequence[str], at: int) -> float | None:
        if at and words[at - 1] == "said" and words[at] not in NAMES:
            return 0.97 if words[at] in ("striker", "about", "under") else 0.03
        return None

    texts = sentences(400)
    judge = partial(
        judge_candidate, opponent(records(texts), predictor()), opponent(records(texts), predictor(wavering)), judged()
    )
    few = ProbePlan(probing=ProbeSettings(measured=8, sketched=8))
    hurried = judge(few, has_time=lambda: False)
    patient = judge(few)
    counts = {finding.cue: finding.count for finding in hurried.cues}, {f.cue: f.count for f in patient.cues}
    doubtful = [finding.cue for finding in hurried.cues if finding.status is CheckStatus.INCONCLUSIVE]
    assert doubtful and hurried.status is CheckStatus.INCONCLUSIVE
    assert all(counts[1][cue] > counts[0][cue] for cue in doubtful)
