"""A result as JUnit XML, which every CI shows: one test a check."""

from __future__ import annotations

from xml.etree import ElementTree

from interp.gate.report import facts
from interp.gate.result import CheckStatus, GateResult
from interp.report.text import visible

__all__ = ["gate_junit"]

_ELEMENTS = {CheckStatus.FAIL: "failure", CheckStatus.SKIPPED: "skipped"}
_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def gate_junit(result: GateResult) -> str:
    """Failed critical checks are failures, those that could not be told errors; advisory ones speak in their output."""
    suite = ElementTree.Element("testsuite", name="interp gate", tests=str(len(result.checks)))
    for check in result.checks:
        case = ElementTree.SubElement(suite, "testcase", classname="interp.gate", name=check.name, time="0")
        if check.status in (CheckStatus.PASS, CheckStatus.WARN) or (
            check.severity == "advisory" and check.status is not CheckStatus.SKIPPED
        ):
            lines = [f"{check.status.value}: {check.sentence}", *facts.details(result, check.name)]
            ElementTree.SubElement(case, "system-out").text = "\n".join(map(visible, lines))
            continue
        kind = _ELEMENTS.get(check.status, "error")
        outcome = ElementTree.SubElement(case, kind, message=visible(check.sentence), type=check.status.value)
        outcome.text = "\n".join(map(visible, [*facts.details(result, check.name), *result.advice]))
    for attribute, kind in _COUNTED.items():
        suite.set(attribute, str(len(suite.findall(f"testcase/{kind}"))))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
