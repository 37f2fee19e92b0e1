"""What all HTML pages share: template, stylesheet, formats, embedded images, and charts as inline SVG.

A page is a template of its own room that extends `base.html.j2`; `render` gives the finished, self-contained HTML.
"""

from nevus.reporting.page.formats import format_count, format_interval, format_number, format_percent, format_share
from nevus.reporting.page.images import Thumbnail, embed_image
from nevus.reporting.page.rendering import render, write_page

__all__ = [
    "Thumbnail",
    "embed_image",
    "format_count",
    "format_interval",
    "format_number",
    "format_percent",
    "format_share",
    "render",
    "write_page",
]
