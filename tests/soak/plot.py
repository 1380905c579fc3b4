"""`docs/soak.svg`: one small plot per series over the same time, and when each fault struck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, TOP, GAP = 860, 90, 190, 46, 26
PLOT = WIDTH - LEFT - 20
INK, LINE, FAULT = "#1f2933", "#2563eb", "#f0b4a4"

Points = Sequence[tuple[float, float]]


def svg(title: str, series: Mapping[str, Points], faults: Sequence[float], seconds: float) -> str:
    """Each scale begins at 0, so that a slope is as steep as it matters."""
    height = TOP + len(series) * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' font-family="sans-serif" font-size="12" fill="{INK}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="24" font-size="15">{escape(title)}</text>',
    ]
    for number, (name, points) in enumerate(series.items()):
        parts += _one(name, points, faults, seconds, TOP + number * (HEIGHT + GAP))
    return "\n".join([*parts, "</svg>", ""])


def _one(
    name: str, points: Points, faults: Sequence[float], seconds: float, top: float
) -> list[str]:
    most = max((value for _, value in points), default=0.0) or 1.0
    bottom = top + HEIGHT

    def across(at: float) -> float:
        return LEFT + PLOT * at / seconds

    line = " ".join(f"{across(at):.1f},{bottom - HEIGHT * v / most:.1f}" for at, v in points)
    return [
        *(
            f'<line x1="{across(at):.1f}" x2="{across(at):.1f}" y1="{top}" y2="{bottom}"'
            f' stroke="{FAULT}"/>'
            for at in faults
        ),
        f'<line x1="{LEFT}" x2="{LEFT + PLOT}" y1="{bottom}" y2="{bottom}" stroke="{INK}"/>',
        f'<polyline points="{line}" fill="none" stroke="{LINE}" stroke-width="1.5"/>',
        f'<text x="12" y="{top + 16}">{escape(name)}</text>',
        f'<text x="12" y="{top + 34}">most {most:,.1f}</text>',
    ]
