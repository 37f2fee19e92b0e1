"""The contact sheet as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from html import escape

from PIL import Image

from nevus.data.duplicates.card import HEIGHT, WIDTH, Card, Panel

_STYLE = """
:root { color-scheme: light dark; --ink:#1d2530; --soft:#5d6876; --paper:#f6f7f9; --card:#fff; --line:#dfe3e8;
  --warn:#8a4b00; --warn-paper:#fff1dc; --tag:#0b5c7a; --tag-paper:#e2f2f8; }
@media (prefers-color-scheme: dark) { :root { --ink:#e7ebf0; --soft:#9aa6b4; --paper:#14181d; --card:#1d232a;
  --line:#2f3843; --warn:#ffc37a; --warn-paper:#3c2a10; --tag:#8fd3ef; --tag-paper:#123644; } }
* { box-sizing:border-box } body { margin:0; padding:2rem clamp(1rem,4vw,3rem); background:var(--paper);
  color:var(--ink); font:15px/1.45 system-ui,sans-serif } h1 { margin:0 0 .4rem; font-size:1.6rem }
.lead { max-width:62rem; margin:0 0 1.6rem; color:var(--soft) }
main { display:grid; gap:1.2rem; grid-template-columns:repeat(auto-fill,minmax(min(100%,40rem),1fr)) }
article { background:var(--card); border:1px solid var(--line); border-radius:10px; padding:1rem }
header { display:flex; flex-wrap:wrap; gap:.3rem .6rem; align-items:baseline; margin-bottom:.7rem }
.number { color:var(--soft); font-variant-numeric:tabular-nums } .evidence { color:var(--soft); font-size:.87rem }
.tag,.warn { border-radius:99px; padding:.05rem .6rem; font-size:.8rem; font-weight:600 }
.tag { background:var(--tag-paper); color:var(--tag) } .warn { background:var(--warn-paper); color:var(--warn) }
.panels { display:grid; grid-auto-flow:column; grid-auto-columns:1fr; gap:.6rem } figure { margin:0; min-width:0 }
img { display:block; width:100%; height:auto; border-radius:4px } figcaption { font-size:.8rem; color:var(--soft);
  padding-top:.35rem; overflow-wrap:anywhere } figcaption b { display:block; color:var(--ink); font-size:.86rem }
@media print { body { padding:0 } article { break-inside:avoid } }
"""


def render_html(cards: Iterable[Card], *, title: str, lead: str) -> str:
    """The page: a heading, what is shown, and a card for each pair, with all pictures inside."""
    articles = "\n".join(_article(number, card) for number, card in enumerate(cards, start=1))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>\n'
        f'<body><h1>{escape(title)}</h1>\n<p class="lead">{escape(lead)}</p>\n<main>\n{articles}\n</main>\n'
        "</body></html>\n"
    )


def _article(number: int, card: Card) -> str:
    warnings = "".join(f'<span class="warn">{escape(text)}</span>' for text in card.differences)
    panels = "".join(_figure(panel) for panel in card.panels)
    return (
        f'<article><header><span class="number">{number}</span><span class="tag">{escape(card.kind)}</span>'
        f"<b>{card.score:.3f}</b>{warnings}"
        f'<span class="evidence">{escape(card.evidence)}</span></header><div class="panels">{panels}</div></article>'
    )


def _figure(panel: Panel) -> str:
    buffer = io.BytesIO()
    Image.fromarray(panel.pixels).save(buffer, "JPEG", quality=88, subsampling=0)
    data = base64.b64encode(buffer.getvalue()).decode()
    lines = "".join(f"{escape(line)}<br>" for line in panel.lines)
    alt = escape(f"{panel.heading}: {', '.join(panel.lines)}", quote=True)
    return (
        f'<figure><img src="data:image/jpeg;base64,{data}" alt="{alt}" width="{WIDTH}" height="{HEIGHT}">'
        f"<figcaption><b>{escape(panel.heading)}</b>{lines}</figcaption></figure>"
    )
