"""The contact sheet as pages of pixels, for places that show no HTML."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from nevus.data.duplicates.card import HEIGHT, WIDTH, Card

_MARGIN, _GAP, _PAD = 32, 20, 18
_HEADER, _CAPTION = 66, 58
_CARD_WIDTH = 3 * WIDTH + 2 * 12 + 2 * _PAD
_CARD_HEIGHT = HEIGHT + _HEADER + _CAPTION + 2 * _PAD
_TITLE = 76
_INK, _SOFT, _PAPER, _CARD, _LINE = "#1d2530", "#5d6876", "#eef0f3", "#ffffff", "#dfe3e8"
_TAG, _TAG_PAPER, _WARN, _WARN_PAPER = "#0b5c7a", "#e2f2f8", "#8a4b00", "#fff1dc"


def render_page(cards: Sequence[Card], *, title: str, lead: str, first: int = 1, columns: int = 2) -> Image.Image:
    """A page of cards in `columns`, numbered from `first`."""
    columns = max(1, min(columns, len(cards)))
    rows = -(-len(cards) // columns)
    size = (
        2 * _MARGIN + columns * _CARD_WIDTH + (columns - 1) * _GAP,
        2 * _MARGIN + _TITLE + rows * _CARD_HEIGHT + max(0, rows - 1) * _GAP,
    )
    page = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(page)
    draw.text((_MARGIN, _MARGIN), title, _INK, _font(26))
    draw.text((_MARGIN, _MARGIN + 38), _cut(draw, lead, size[0] - 2 * _MARGIN, 15), _SOFT, _font(15))
    for i, card in enumerate(cards):
        row, column = divmod(i, columns)
        left = _MARGIN + column * (_CARD_WIDTH + _GAP)
        top = _MARGIN + _TITLE + row * (_CARD_HEIGHT + _GAP)
        _draw_card(page, draw, card, first + i, (left, top))
    return page


def _draw_card(page: Image.Image, draw: ImageDraw.ImageDraw, card: Card, number: int, corner: tuple[int, int]) -> None:
    left, top = corner
    box = (left, top, left + _CARD_WIDTH - 1, top + _CARD_HEIGHT - 1)
    draw.rounded_rectangle(box, 10, _CARD, _LINE)
    x, y = left + _PAD, top + _PAD
    draw.text((x, y + 2), str(number), _SOFT, _font(16))
    x = _chip(draw, x + 40, y, card.kind, (_TAG, _TAG_PAPER))
    draw.text((x, y + 2), f"{card.score:.3f}", _INK, _font(16))
    x += 62
    room = left + _CARD_WIDTH - _PAD
    for text in card.differences:
        if x + draw.textlength(text, _font(14)) + 20 > room:
            break
        x = _chip(draw, x, y, text, (_WARN, _WARN_PAPER))
    draw.text((left + _PAD, y + 32), _cut(draw, card.evidence, _CARD_WIDTH - 2 * _PAD, 15), _SOFT, _font(15))
    for i, panel in enumerate(card.panels):
        x, y = left + _PAD + i * (WIDTH + 12), top + _PAD + _HEADER
        page.paste(Image.fromarray(panel.pixels), (x, y))
        draw.text((x, y + HEIGHT + 6), panel.heading, _INK, _font(15))
        for j, line in enumerate(panel.lines):
            draw.text((x, y + HEIGHT + 25 + 18 * j), _cut(draw, line, WIDTH, 14), _SOFT, _font(14))


def _chip(draw: ImageDraw.ImageDraw, x: int, y: int, text: str, colours: tuple[str, str]) -> int:
    ink, paper = colours
    width = round(draw.textlength(text, _font(14))) + 18
    draw.rounded_rectangle((x, y, x + width, y + 23), 11, paper)
    draw.text((x + 9, y + 3), text, ink, _font(14))
    return x + width + 10


def _cut(draw: ImageDraw.ImageDraw, text: str, width: int, size: int) -> str:
    if draw.textlength(text, _font(size)) <= width:
        return text
    while text and draw.textlength(text + "…", _font(size)) > width:
        text = text[:-1]
    return text + "…"


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
