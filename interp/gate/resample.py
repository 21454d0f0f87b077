"""What an interval over resampled documents would have shown."""

__all__ = ["POWER"]

POWER = 2.8 / 1.96
"""Half intervals from which an effect is seen with 80 % power: they are 1.96 standard errors, and it needs 2.8."""
