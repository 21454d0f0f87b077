"""The plan of a gate, told before it begins: each part, how long it is expected to take, and what a budget left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interp.cli.console import say
from interp.cli.durations import describe_duration
from interp.errors import counted

if TYPE_CHECKING:
    from interp.gate.plan import Work, WorkPlan

__all__ = ["describe_left_out", "plan_gate"]


def plan_gate(work: Work, *, explain: int, cues: int, budget: float | None, spent: float) -> WorkPlan:
    """What is to be done of what was asked for, within `budget` seconds of which some are `spent`; told on stderr."""
    from interp.gate.plan import fit_budget, plan_work

    left = None if budget is None else budget - spent
    plan = plan_work(work, explain, cues) if left is None else fit_budget(work, explain, cues, left)
    parts = ", ".join(f"{part.label} ({describe_duration(max(part.seconds, 1))})" for part in plan.phases)
    say(f"Plan: {parts}; about {describe_duration(spent + plan.seconds)} in all.")
    if budget is not None and spent + plan.seconds > budget:
        say(f"That is the least there is, and more than {describe_duration(budget)}: give it more, or fewer --cases.")
    return plan


def describe_left_out(plan: WorkPlan, *, explain: int, cues: int) -> str:
    """What a plan does of what was asked for, for the report; nothing where it does all."""
    parts = []
    if plan.explain < explain:
        parts.append(f"{plan.explain} of {counted(explain, 'sentence')} explained")
    if plan.cues < cues:
        parts.append(f"{plan.cues} of {counted(cues, 'cue')} tried")
    return ", ".join(parts)
