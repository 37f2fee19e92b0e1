"""From a template and its values to one self-contained HTML file."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from nevus.errors import storage_full
from nevus.reporting.page import formats

HERE = "nevus.reporting.page"
TEMPLATES = "templates"


def render(template: str, package: str, **values: Any) -> str:
    """Fill in a template.

    Args:
        template: file name in the folder `templates` of `package`; it may extend `base.html.j2` and import
            `parts.html.j2` of this package.
        package: the room's dotted name.
        values: what the template shows. All text is escaped unless it is Markup; a value it lacks is an error.
    """
    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(lambda name: _source(name, package)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": formats.format_count,
        "number": formats.format_number,
        "percent": formats.format_percent,
        "unbroken": formats.keep_units,
    }
    environment.globals["style"] = _source("style.css", HERE)
    return environment.get_template(template).render(**values)


def write_page(html: str, path: Path) -> None:
    """Write the page under another name, then rename it.

    Raises:
        StorageFullError: there is no room.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(html, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if full := storage_full(error, path):
            raise full from error
        raise


def _source(name: str, package: str) -> str | None:
    """The template of the page's own room, else of this one."""
    for room in (package, HERE):
        found = resources.files(room).joinpath(TEMPLATES, name)
        if found.is_file():
            return found.read_text(encoding="utf-8")
    return None
