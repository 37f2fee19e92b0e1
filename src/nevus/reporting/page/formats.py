"""Numbers as people read them. What isn't known is a dash, never a zero."""

from __future__ import annotations

import math

UNKNOWN = "–"
MINUS = "\u2212"


def format_count(value: float | None) -> str:
    """A whole number with separators: 10,015."""
    return UNKNOWN if _absent(value) else f"{value:,.0f}".replace("-", MINUS)


def format_number(value: float | None, digits: int = 3) -> str:
    """A score with its leading zero left off, as the field writes it: .762; 1.000; -.020 with a real minus sign."""
    if value is None or _absent(value):
        return UNKNOWN
    text = f"{abs(value):.{digits}f}"
    sign = MINUS if value < 0 and float(text) != 0 else ""
    return sign + (text[1:] if text.startswith("0.") else text)


def format_interval(value: float | None, low: float | None, high: float | None, digits: int = 3) -> str:
    """A score with its interval: .762 (.731 to .790)."""
    if _absent(value) or _absent(low) or _absent(high):
        return format_number(value, digits)
    return f"{format_number(value, digits)} ({format_number(low, digits)} to {format_number(high, digits)})"


def format_percent(share: float | None, digits: int = 1) -> str:
    """A share as per cent: 38.7 %; 0 % and 100 % only where it is exactly that."""
    if share is None or _absent(share):
        return UNKNOWN
    least = 10.0**-digits
    value = share * 100
    if value in (0, 100):
        return f"{value:.0f} %"
    if 0 < value < least / 2:
        return f"< {least:.{digits}f} %"
    if 100 - least / 2 < value < 100:
        return f"> {100 - least:.{digits}f} %"
    return f"{value:.{digits}f} %".replace("-", MINUS)


def format_share(part: float, whole: float, digits: int = 1) -> str:
    """A count with its share of the whole: 1,113 (11.1 %)."""
    if not whole:
        return format_count(part)
    return f"{format_count(part)} ({format_percent(part / whole, digits)})"


def keep_units(said: str) -> str:
    """The text with its per cent signs and years kept on the line of their number."""
    for unit in ("%", "years"):
        said = said.replace(f" {unit}", f"\u00a0{unit}")
    return said


def _absent(value: float | None) -> bool:
    return value is None or not math.isfinite(value)
