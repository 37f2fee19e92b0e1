"""Histograms: how one measured quantity is distributed."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from nevus.reporting.page.charts.svg import LETTER, WIDTH, Tone, canvas, line, rectangle, scale, text, ticks

_LEFT, _TOP, _BOTTOM = 40, 10, 38


def histogram(
    edges: Sequence[float],
    layers: Sequence[tuple[str, Sequence[float], Tone]],
    *,
    title: str,
    x_label: str,
    y_label: str = "",
    width: float = WIDTH,
    height: float = 190,
) -> Markup:
    """Bins side by side; several layers are stacked, with a legend.

    Args:
        edges: n + 1 increasing values; the bins need not be equally wide, but are drawn to scale.
        layers: name, n counts and tone of each; from the bottom up.
        title: what a screen reader says.
        x_label: the quantity and its unit.
        y_label: what is counted.
        width: units; one is about a pixel.
        height: units.
    """
    totals = [sum(counts) for counts in zip(*(layer[1] for layer in layers), strict=True)]
    legend = 20 if len(layers) > 1 else 0
    top = _TOP + legend + (12 if y_label else 0)
    base = height - _BOTTOM
    peak = max(totals, default=0) or 1
    to_x, to_y = scale(edges[0], edges[-1], _LEFT, width - 8), scale(0, peak, base, top)
    body = [text(0, top - 9, y_label, kind="tick")] if y_label else []
    for value in ticks(0, peak, 3):
        body += [line(_LEFT, to_y(value), width - 8, to_y(value), style="grid")]
        body += [text(_LEFT - 6, to_y(value) + 4, f"{value:,.0f}", kind="tick", anchor="end")]
    heights = [0.0] * len(totals)
    for name, counts, tone in layers:
        for k, count in enumerate(counts):
            low, high = to_y(heights[k]), to_y(heights[k] + count)
            x, right = to_x(edges[k]), to_x(edges[k + 1])
            says = f"{edges[k]:g} to {edges[k + 1]:g}: {count:,.0f}" + (f" {name}" if len(layers) > 1 else "")
            if count:
                body.append(
                    rectangle(x + 0.75, high, right - x - 1.5, low - high, style=f"fill tone-{tone}", says=says)
                )
            heights[k] += count
    body.append(line(_LEFT, base, width - 8, base, style="axis"))
    for value in ticks(edges[0], edges[-1], 6):
        body.append(text(to_x(value), base + 15, f"{value:g}", kind="tick", anchor="middle"))
    body.append(text((_LEFT + width - 8) / 2, height - 5, x_label, kind="tick", anchor="middle"))
    x = float(_LEFT)
    for name, _, tone in layers if legend else ():
        body += [rectangle(x, 2, 10, 10, style=f"fill tone-{tone}"), text(x + 15, 11, name, kind="tick")]
        x += 15 + len(name) * LETTER + 12
    said = "; ".join(f"{edges[k]:g} to {edges[k + 1]:g}: {n:,.0f}" for k, n in enumerate(totals))
    return canvas("".join(body), width=width, height=height, title=title, description=said)
