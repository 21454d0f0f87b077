"""The sentence that a report begins with, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from shlex import quote

from interp.gate.inputs import Criteria
from interp.gate.measure import Measurements
from interp.gate.result import CheckResult, CheckStatus, CueFinding
from interp.probe import Unit

__all__ = ["advise", "headline", "stale_floors"]

_UNITS: dict[Unit, str] = {"nats": "nats", "of tags": "tags that turn"}
TERM = timedelta(days=90)
"""How long a waiver is proposed for."""


def headline(status: CheckStatus, checks: Mapping[str, CheckResult]) -> str:
    """The sentence of the check which decided, or what was looked at where all is well."""
    if status is CheckStatus.PASS:
        passed = [checks[name].sentence for name in ("cues", "f1") if checks[name].status is CheckStatus.PASS]
        return " ".join(passed) or status.message
    if status is CheckStatus.WARN:
        quiet = (CheckStatus.PASS, CheckStatus.SKIPPED)
        deciding = [check for check in checks.values() if check.status not in quiet]
    else:
        deciding = [check for check in checks.values() if check.status is status and check.severity == "critical"]
    return deciding[0].sentence if deciding else status.message


def advise(checks: Mapping[str, CheckResult], findings: Sequence[CueFinding], criteria: Criteria) -> Iterator[str]:
    """What to do next, the first thing first."""
    failed = (finding for finding in findings if finding.status is CheckStatus.FAIL and not finding.accepted)
    worst = next(failed, None)
    if worst is not None:
        yield _where_to_look(worst)
        yield f"If it is right, accept it: {_accepting(worst, criteria.today)}"
    if checks["cues"].status is CheckStatus.INCONCLUSIVE:
        yield "Probe in more sentences: --texts, --sites."
    entities = checks["f1"].count
    if checks["f1"].status is CheckStatus.INCONCLUSIVE and entities:
        yield f"Give more cases with right tags than {entities} entities: --cases."
    leaks = checks["leaks"]
    if leaks.status is CheckStatus.INCONCLUSIVE and leaks.count:
        of_kinds = "costly kinds" if criteria.costly else "right entities"
        yield f"Give more cases, with more words of {of_kinds} than {leaks.count}: --cases."
    if checks["records"].status is CheckStatus.ERROR:
        yield "Record anew; where it stays so, the model is broken."
    if checks["agreement"].status is CheckStatus.FAIL:
        yield "Look at the cases below: explanations of the same tags have nothing to do with each other."
    cues = checks["cues"]
    if cues.floor is None and cues.unit == "nats" and cues.status in (CheckStatus.FAIL, CheckStatus.INCONCLUSIVE):
        yield f"Learn how far harmless trainings differ: interp gate calibrate writes {criteria.gate.floors}."


def stale_floors(criteria: Criteria, measurements: Measurements) -> Iterator[str]:
    """Says so where the floors were learnt from another baseline than the one that was recorded, or in another unit."""
    header, probe = measurements.header, measurements.probe
    if criteria.floors is None:
        return
    if probe is not None and probe.measured and probe.measured[0].effect.unit != criteria.floors.unit:
        theirs, ours = _UNITS[criteria.floors.unit], _UNITS[probe.measured[0].effect.unit]
        yield f"{criteria.gate.floors} knows cues in {theirs} and this pair is told in {ours}: calibrate anew."
    if criteria.floors.baseline == header.model.sha256:
        return
    if criteria.floors.baseline == header.model.former_sha256:
        yield (
            f"{criteria.gate.floors} was calibrated by an earlier release, which knew models without their "
            "configuration: calibrate anew."
        )
    else:
        yield f"{criteria.gate.floors} is of another baseline: calibrate anew where trainings have changed."


def _where_to_look(finding: CueFinding) -> str:
    if not finding.rows:
        return f"Look for {finding.cue} in the candidate's training data; --training OLD NEW names the rows."
    return (
        f"Look at the {finding.row_count} rows that the new training data brings it in with "
        f"({finding.trained} of {finding.trained_count} words {finding.where} bear {finding.tag}, before "
        f"{finding.trained_before} of {finding.trained_before_count}): "
        f"{', '.join(finding.rows[:3])}{' …' if finding.row_count > 3 else ''}."
    )


def _accepting(finding: CueFinding, today: date) -> str:
    """The command. Cues and tags come from data: they are quoted for a shell."""
    cue, tag = quote(finding.cue), quote(finding.tag)
    precision = "+.1f" if finding.unit == "nats" else "+.2f"
    options = f"--tag {tag} --effect {finding.effect:{precision}} --reason '…' --until {today + TERM}"
    return f"interp gate accept {options} -- {cue}" if cue.startswith("-") else f"interp gate accept {cue} {options}"
