"""One output folder, one set of settings: the first run writes them down, and others are refused by name of the key."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from nevus.errors import InputError
from nevus.pipeline.masking import masked
from nevus.pipeline.records import FOLDER, write_atomically

FILE: Final = f"{FOLDER}/settings.json"
SHOWN = 20
ABSENT: Final = "(absent)"
REFUSED: Final = "refused_at"


class SettingsDifferError(InputError):
    """The output folder belongs to a run with other settings."""


class ForeignFolderError(InputError):
    """The output folder holds files that a run would overwrite and that aren't a run's."""


def claim_folder(
    output: Path, tree: BaseModel, *, neutral: Collection[str] = (), outputs: Collection[str] = ()
) -> tuple[str, ...]:
    """Make the folder this run's, or see that it is.

    The settings of the first run are kept in `steps/settings.json`, without passwords in addresses; a later run needs
    the same, but for neutral keys. Where that run was refused (see `release_folder`), it may have others, which then
    take their place.

    Args:
        output: the output folder; it is made if need be.
        tree: the whole tree of settings.
        neutral: dotted keys that may differ.
        outputs: paths that the run will write.

    Returns:
        A line for each setting that took the place of a refused run's.

    Raises:
        SettingsDifferError: other settings; names each key that differs, old and new, and what to do.
        ForeignFolderError: a file is in the way that no run left.
    """
    plain = masked(tree.model_dump(mode="json"))
    note = _read(output)
    if note is None:
        _refuse_foreign(output, outputs)
        _write(output, {"settings": plain, "first_run_at": _now()})
        return ()
    differences = list(_differences(without(note["settings"], neutral), without(plain, neutral)))
    if note.pop(REFUSED, None) is not None:
        _write(output, {**note, "settings": plain})
        return tuple(_line(*difference) for difference in differences)
    if differences:
        raise SettingsDifferError(_say(output, differences))
    return ()


def release_folder(output: Path) -> None:
    """Let the next run into the folder have other settings: this one was refused for what the user gave.

    Whoever reads in the refusal what to change must be able to do so, without training again in another folder.
    """
    note = _read(output)
    if note is not None:
        _write(output, {**note, REFUSED: _now()})


def kept_settings(output: Path, defaults: BaseModel, *, neutral: Collection[str] = ()) -> dict[str, Any] | None:
    """What the folder's first run was told, as a settings file would say it; None where there was no run.

    Neutral keys aren't taken over: they say how to work here and now, and may be secrets, which aren't kept.

    Args:
        output: the output folder.
        defaults: a tree of defaults; what agrees with it is left out.
        neutral: dotted keys that may differ.

    Raises:
        ForeignFolderError: the folder's settings are damaged.
    """
    note = _read(output)
    return None if note is None else _told(defaults, without(note["settings"], neutral))


def _told(defaults: BaseModel, kept: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that aren't at their default, in as few sections as hold one."""
    plain, told = defaults.model_dump(mode="json"), {}
    for key, value in kept.items():
        section = getattr(defaults, key, None)
        if isinstance(section, BaseModel) and isinstance(value, Mapping):
            below = _told(section, value)
            if below:
                told[key] = below
        elif value != plain.get(key, ABSENT):
            told[key] = value
    return told


def without(plain: Mapping[str, Any], neutral: Collection[str], prefix: str = "") -> dict[str, Any]:
    """Settings as plain JSON without the keys, or whole sections, of those dotted names."""
    left = {}
    for key, value in plain.items():
        name = f"{prefix}{key}"
        if name not in neutral:
            left[key] = without(value, neutral, f"{name}.") if isinstance(value, Mapping) else value
    return left


def _differences(old: Any, new: Any, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _differences(old.get(key, ABSENT), new.get(key, ABSENT), f"{prefix}.{key}" if prefix else key)
    elif old != new:
        yield prefix, old, new


def _say(output: Path, differences: list[tuple[str, Any, Any]]) -> str:
    lines = [f"  {_line(*difference)}" for difference in differences[:SHOWN]]
    if len(differences) > SHOWN:
        lines.append(f"  and {len(differences) - SHOWN} more")
    back = " ".join(
        f"--set {shlex.quote(f'{key}={_text(old)}')}" for key, old, _ in differences[:3] if old is not ABSENT
    )
    set_back = f", or set them back ({back}{' ...' if len(differences) > 3 else ''})" if back else ""
    return "\n".join(
        [
            f"{output} belongs to a run with other settings (there -> here):",
            *lines,
            f"Use another folder with --out{set_back}.",
        ]
    )


def _line(key: str, old: Any, new: Any) -> str:
    return f"{key}: {_text(old)} -> {_text(new)}"


def _text(value: Any) -> str:
    return ABSENT if value is ABSENT else json.dumps(value, ensure_ascii=False)


def _read(output: Path) -> dict[str, Any] | None:
    """What is noted of the first run, with its `settings`; None where there was none.

    A file that can't be parsed can't come from a kill (it's written atomically): it was damaged, and whose the folder
    is can't be told any more.
    """
    path = output / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        note = dict(json.loads(text))
        note["settings"] = dict(note["settings"])
    except (ValueError, KeyError, TypeError) as error:
        raise ForeignFolderError(
            f"{path} is damaged, so it can't be told which settings {output} belongs to. Use another folder with --out."
        ) from error
    return note


def _write(output: Path, note: Mapping[str, Any]) -> None:
    write_atomically(output / FILE, json.dumps(note, indent=1, ensure_ascii=False) + "\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _refuse_foreign(output: Path, outputs: Collection[str]) -> None:
    present = sorted(path for path in outputs if (output / path).exists())
    if present:
        raise ForeignFolderError(
            f"{output} already holds {', '.join(present)}, which no run of nevus left there and this one would "
            "overwrite. Use another folder with --out, or move the files away."
        )
