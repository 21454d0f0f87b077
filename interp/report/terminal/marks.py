"""Numbers as characters: bars, cells and boxes that tell sign and size without colour, also in ASCII."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console

from interp.report.text import isolated, visible

__all__ = ["ASCII", "UNICODE", "Canvas", "Glyphs", "bar", "box", "cell", "quartiles"]


@dataclass(frozen=True, kw_only=True)
class Glyphs:
    """The characters that drawings are made of."""

    axis: str
    plus: str
    plus_half: str
    minus: str
    minus_half: str
    nothing: str
    cut: str
    whisker: str
    box: str
    median: str
    arrow: str
    sigma: str
    dash: str
    at_most: str
    spread: str


UNICODE = Glyphs(
    axis="│",
    plus="█",
    plus_half="▌",
    minus="█",
    minus_half="▐",
    nothing="·",
    cut="…",
    whisker="─",
    box="▒",
    median="┃",
    arrow="→",
    sigma="Σ",
    dash="–",
    at_most="≤",
    spread="±",
)
ASCII = Glyphs(
    axis="|",
    plus="+",
    plus_half="+",
    minus="-",
    minus_half="-",
    nothing=".",
    cut="~",
    whisker="-",
    box="#",
    median="|",
    arrow="->",
    sigma="sum ",
    dash="-",
    at_most="<=",
    spread="+/-",
)


@dataclass(frozen=True)
class Canvas:
    """A terminal's width and what it can show."""

    width: int
    encoding: str
    glyphs: Glyphs

    @classmethod
    def of(cls, console: Console) -> Canvas:
        return cls(console.width, console.encoding, ASCII if console.options.ascii_only else UNICODE)

    def safe(self, text: str) -> str:
        """Text that this terminal can hold and that cannot steer it."""
        return visible(text, self.encoding)

    def fit(self, text: str, width: int) -> str:
        """`safe` text in at most `width` columns; a cut is marked."""
        shown = self.safe(text)
        if cell_len(shown) <= width:
            return shown
        return set_cell_size(shown, width - 1).rstrip() + self.glyphs.cut

    def word(self, text: str, width: int) -> str:
        """A word that fits and, where it runs right to left, cannot reorder its row."""
        shown = self.fit(text, width)
        return shown if self.glyphs is ASCII else isolated(shown)


def bar(value: float, least: float, most: float, width: int, glyphs: Glyphs) -> str:
    """A bar of `width` characters: left of an axis when negative, right when positive, on one scale.

    `least` and `most` are the extremes of the column; no value but 0 is too small for half a character.
    """
    low, high = max(-least, 0.0), max(most, 0.0)
    left, scale = 0, 0.0
    if low + high:
        share = round((width - 1) * low / (low + high))
        left = min(max(share, 1 if low else 0), width - 2)
        # Both sides on one scale: that of the side which has less room for what it must hold.
        scale = min(room / size for room, size in ((left, low), (width - 1 - left, high)) if size)
    right = width - 1 - left
    halves = max(round(abs(value) * scale * 2), 1 if value else 0)
    whole, half = divmod(halves, 2)
    if value < 0:
        drawn = glyphs.minus_half * half + glyphs.minus * whole
        return drawn.rjust(left) + glyphs.axis + " " * right
    drawn = glyphs.plus * whole + glyphs.plus_half * half
    return " " * left + glyphs.axis + drawn.ljust(right)


def cell(value: float, top: float, glyphs: Glyphs) -> str:
    """Sign and size in per cent of the table's largest; a dot for what rounds to none of it."""
    percent = round(100 * abs(value) / top) if top else 0
    return f"{'-' if value < 0 else '+'}{percent}" if percent else glyphs.nothing


def box(values: Sequence[float], low: float, high: float, width: int, glyphs: Glyphs) -> str:
    """A box plot in one line from `low` to `high`: whiskers to the extremes, quartiles, median."""
    span = high - low

    def place(value: float) -> int:
        return round((value - low) / span * (width - 1)) if span else width // 2

    least, first, middle, third, most = map(place, quartiles(values))
    line = [" "] * width
    line[least : most + 1] = glyphs.whisker * (most - least + 1)
    line[first : third + 1] = glyphs.box * (third - first + 1)
    line[middle] = glyphs.median
    return "".join(line)


def quartiles(values: Sequence[float]) -> tuple[float, float, float, float, float]:
    """Minimum, quartiles and maximum, interpolated between neighbours as NumPy does."""
    ordered = sorted(values)

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (ordered[above] - ordered[below]) * (place - below)

    return at(0), at(0.25), at(0.5), at(0.75), at(1)
