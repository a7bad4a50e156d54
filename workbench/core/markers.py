"""Reading and writing markers: what a teammate may say, and how a bad one is explained to it.

Everything here is about bytes and values; finding the files is an adapter's work.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from workbench.core.models import NOTE_LIMIT, TEXT_LIMIT, Marker, MarkerKind
from workbench.core.noteform import namespace_of, paths_of, ttl_of
from workbench.core.plain import UNPRINTABLE

MARKER_BYTES = 131_072
"""A marker file may not be larger: a message of TEXT_LIMIT characters fits in any script."""

NOTE_LIMITS: dict[MarkerKind, int] = dict.fromkeys(MarkerKind, NOTE_LIMIT) | {
    MarkerKind.MESSAGE: TEXT_LIMIT,
    MarkerKind.ANSWER: TEXT_LIMIT,
    MarkerKind.PLAN: TEXT_LIMIT,
}
"""Characters of text by kind: only what goes to somebody else whole may be long."""

NEEDS_NOTE = frozenset(
    {MarkerKind.BLOCKED, MarkerKind.QUESTION, MarkerKind.MESSAGE, MarkerKind.PLAN, MarkerKind.NOTE}
)
"""Kinds that say nothing without a text."""

KINDS = ", ".join(MarkerKind)

# What JSON must hold in each field, and how to say it.
FIELDS: dict[str, tuple[tuple[type, ...], str]] = {
    "kind": ((str,), "a string"),
    "nonce": ((str,), "a string"),
    "note": ((str,), "a string"),
    "percent": ((int,), "a whole number from 0 to 100"),
    "confidence": ((int, float), "a number from 0 to 1"),
    "to": ((str,), "a string"),
    "reply_to": ((str,), "a string"),
    "decision": ((str,), "`yes` or `no`"),
    "namespace": ((str,), "a string"),
    "ttl": ((int, float), "a number of seconds"),
    "paths": ((list,), "a list of paths in the repository"),
}

NOTE_CHECKS: dict[str, Callable[[Any], Any]] = {
    "namespace": namespace_of,
    "ttl": ttl_of,
    "paths": paths_of,
}
"""What only a note may have, and what makes each plain or refuses it."""


def read(data: bytes, nonce: str | None) -> Marker:
    """The marker that ``data`` holds.

    With ``nonce`` given, a marker that carries another one is refused as forged. Raises ValueError
    with one sentence meant for the sender, which never repeats more than a few words of ``data``.
    """
    fields = _fields(_parsed(data))
    kind = _kind(fields)
    if not isinstance(fields.get("nonce"), str) or not fields["nonce"]:
        raise ValueError("A marker carries the nonce of its attempt, as `nonce` (see WORKBENCH_NONCE).")
    if nonce is not None and fields["nonce"] != nonce:
        raise ValueError("This marker is forged or from another attempt: its nonce is not this attempt's.")
    if isinstance(fields.get("note"), str):
        fields["note"] = fields["note"].replace("\r\n", "\n")
    _check_texts(fields, kind)
    _check_meaning(fields, kind)
    fields |= _note_fields(fields, kind)
    try:
        return Marker(**fields)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        wanted = FIELDS[name][1] if name in ("percent", "confidence", "decision") else "shorter"
        raise ValueError(f"`{name}` must be {wanted}.") from None


def render(marker: Marker) -> bytes:
    """The bytes of a marker file that ``read`` gives back as ``marker``."""
    return marker.model_dump_json(exclude_defaults=True).encode()


def _parsed(data: bytes) -> object:
    if len(data) > MARKER_BYTES:
        raise ValueError(f"A marker is at most {MARKER_BYTES} bytes; put long text into a file and name it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"A marker is UTF-8 text; byte {error.start} is not.") from None
    try:
        return json.loads(
            text, object_pairs_hook=_without_doubles, parse_constant=_no_constant, parse_int=_short
        )
    except json.JSONDecodeError as error:
        raise ValueError(
            f"A marker is one JSON object; this is not JSON at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise ValueError("A marker is one flat JSON object; this is nested too deeply.") from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("A marker names each field once; this one names a field twice.")
    return fields


def _no_constant(name: str) -> object:
    raise ValueError(f"A marker's numbers are plain; {name} is not.")


def _short(digits: str) -> int:
    if len(digits) > 20:
        raise ValueError(f"A marker's numbers are small; this one has a number of {len(digits)} digits.")
    return int(digits)


def _fields(found: object) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ValueError('A marker is one JSON object, such as {"kind": "progress", "percent": 40, …}.')
    for name, value in found.items():
        if name not in FIELDS:
            raise ValueError(
                f"A marker has no field {_shown(name)}; it may have {', '.join(f'`{n}`' for n in FIELDS)}."
            )
        types, wanted = FIELDS[name]
        if not isinstance(value, types) or isinstance(value, bool):
            raise ValueError(f"`{name}` must be {wanted}.")
    return dict(found)


def _kind(fields: dict[str, Any]) -> MarkerKind:
    if "kind" not in fields:
        raise ValueError(f"A marker has a `kind`: {KINDS}.")
    try:
        return MarkerKind(fields["kind"])
    except ValueError:
        raise ValueError(f"There is no kind {_shown(fields['kind'])}; there are {KINDS}.") from None


def _check_texts(fields: dict[str, Any], kind: MarkerKind) -> None:
    for name in ("note", "to", "nonce", "reply_to"):
        if found := UNPRINTABLE.search(fields.get(name, "")):
            raise ValueError(f"`{name}` holds the control character U+{ord(found[0]):04X}; use plain text.")
    for name in ("to", "nonce", "reply_to"):
        if "\n" in fields.get(name, "") or "\t" in fields.get(name, ""):
            raise ValueError(f"`{name}` is one line.")
    limit = NOTE_LIMITS[kind]
    if len(fields.get("note", "")) > limit:
        raise ValueError(
            f"The note of a {kind} marker is at most {limit} characters; this one has {len(fields['note'])}."
        )


def _check_meaning(fields: dict[str, Any], kind: MarkerKind) -> None:
    note = fields.get("note", "").strip()
    if kind in NEEDS_NOTE and not note:
        raise ValueError(f"A {kind} marker says something in `note`; this one is empty.")
    if kind is MarkerKind.PROGRESS and not note and "percent" not in fields:
        raise ValueError("A progress marker has a `percent`, a `note`, or both.")
    if kind is MarkerKind.MESSAGE and not fields.get("to"):
        raise ValueError("A message names who it is for, as `to`: a teammate, `lead` or `all`.")
    if kind is MarkerKind.ANSWER and not fields.get("reply_to"):
        raise ValueError("An answer names the message that it answers, as `reply_to`: `m7`, say.")
    if kind is MarkerKind.ANSWER and not note and not fields.get("decision"):
        raise ValueError("An answer has a `note`, a `decision`, or both.")


def _note_fields(fields: dict[str, Any], kind: MarkerKind) -> dict[str, Any]:
    """What a note says about itself, in its plain form."""
    given = [name for name in NOTE_CHECKS if name in fields]
    if given and kind is not MarkerKind.NOTE:
        raise ValueError(f"Only a note has `{given[0]}`; this is a {kind} marker.")
    plain: dict[str, Any] = {}
    for name in given:
        value = fields[name]
        if name == "paths" and not all(isinstance(path, str) for path in value):
            raise ValueError(f"`paths` must be {FIELDS['paths'][1]}.")
        try:
            plain[name] = NOTE_CHECKS[name](value)
        except ValueError as problem:
            raise ValueError(f"`{name}`: {problem}") from None
    return plain


def _shown(text: str) -> str:
    """A few characters of what the sender wrote, safe to print."""
    return ascii(text if len(text) <= 40 else text[:40] + "...")
