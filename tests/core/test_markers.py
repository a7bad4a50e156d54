"""Markers as bytes: what is understood, and how what is not is explained."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.core.markers import MARKER_BYTES, NEEDS_NOTE, NOTE_LIMITS, read, render
from workbench.core.models import NOTE_LIMIT, TEXT_LIMIT, Marker, MarkerKind
from workbench.core.plain import UNPRINTABLE

# A busy machine is no fault of what is tested.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def marker(**fields: Any) -> bytes:
    return json.dumps({"kind": "progress", "nonce": "n1", "percent": 40} | fields).encode()


@pytest.mark.parametrize("kind", MarkerKind)
def test_every_kind_comes_back_as_it_was_written(kind: MarkerKind) -> None:
    note = "naïve\n\tline two 🙂"
    written = Marker(
        kind=kind, nonce="n1", note=note, percent=40, confidence=0.5, to="ada", reply_to="m7", decision="no"
    )
    assert read(render(written), "n1") == written


printable = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200).filter(
    lambda text: not UNPRINTABLE.search(text)
)


@unhurried
@given(
    kind=st.sampled_from(MarkerKind),
    note=printable,
    percent=st.none() | st.integers(0, 100),
    confidence=st.none() | st.floats(0, 1),
)
def test_whatever_is_valid_comes_back(
    kind: MarkerKind, note: str, percent: int | None, confidence: float | None
) -> None:
    written = Marker(
        kind=kind,
        nonce="n1",
        note="x" + note,
        percent=percent,
        confidence=confidence,
        to="everybody",
        reply_to="m12",
    )
    assert read(render(written), "n1") == written


@unhurried
@given(st.binary(max_size=400))
def test_any_bytes_give_a_marker_or_a_sentence(data: bytes) -> None:
    try:
        read(data, None)
    except ValueError as error:
        assert str(error).endswith(".")
        assert len(str(error)) < 300


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@unhurried
@given(
    st.dictionaries(
        st.sampled_from(["kind", "nonce", "note", "percent", "confidence", "to", "x"]),
        json_values | st.sampled_from(list(MarkerKind)),
    )
)
def test_any_json_object_gives_a_marker_or_a_sentence(fields: dict[str, Any]) -> None:
    try:
        found = read(json.dumps(fields).encode(), None)
    except ValueError as error:
        assert str(error).isprintable()
        assert str(error).endswith(".")
    else:
        assert found.kind == fields["kind"]


@pytest.mark.parametrize(
    ("data", "explanation"),
    [
        (b"", "not JSON at line 1, column 1"),
        (b"\xff\xfe", "UTF-8 text; byte 0"),
        (b"{", "not JSON"),
        (b"[1]", "one JSON object"),
        (b"null", "one JSON object"),
        (b"[" * 100_000, "nested too deeply"),
        (b"x" * (MARKER_BYTES + 1), f"at most {MARKER_BYTES} bytes"),
        (b'{"kind": "note", "kind": "done"}', "twice"),
        (b'{"percent": NaN}', "NaN"),
        (b'{"percent": ' + b"9" * 5000 + b"}", "number of 5000 digits"),
        (marker(kind="finished"), r"no kind 'finished'; there are progress, done"),
        (marker(kind="x" * 999), r"x{40}\.\.\.'"),
        (marker(kind=None), "`kind` must be a string"),
        (json.dumps({"nonce": "n1"}).encode(), "has a `kind`"),
        (marker(verdict="green"), r"no field 'verdict'; it may have `kind`"),
        (marker(**{"\x1b[2J": 1}), r"no field '\\x1b\[2J'"),
        (marker(percent=101), "`percent` must be a whole number from 0 to 100"),
        (marker(percent=-1), "`percent` must be"),
        (marker(percent="40"), "`percent` must be"),
        (marker(percent=True), "`percent` must be"),
        (marker(percent=10**18), "`percent` must be"),
        (marker(confidence=1.5), "`confidence` must be a number from 0 to 1"),
        (marker(confidence=[1]), "`confidence` must be"),
        (marker(note=5), "`note` must be a string"),
        (marker(note="a\x1b[31mred"), r"U\+001B"),
        (marker(note="a\rb"), r"U\+000D"),
        (marker(note="a\u202eb"), r"U\+202E"),
        (marker(note="half \ud800 a character"), r"U\+D800"),
        (marker(note="x" * (NOTE_LIMIT + 1)), f"at most {NOTE_LIMIT} characters"),
        (marker(kind="message", to="all", note="x" * (TEXT_LIMIT + 1)), f"at most {TEXT_LIMIT} characters"),
        (marker(kind="message", note="hello"), "names who it is for"),
        (marker(kind="message", note="hello", to="a\nb"), "one line"),
        (marker(kind="message", note="hello", to="a" * 65), "`to` must be shorter"),
        (marker(kind="question"), "says something in `note`"),
        (marker(kind="blocked", note="  \n"), "says something in `note`"),
        (json.dumps({"kind": "progress", "nonce": "n1"}).encode(), "a `percent`, a `note`, or both"),
        (json.dumps({"kind": "done"}).encode(), "carries the nonce"),
        (marker(nonce=""), "carries the nonce"),
        (marker(nonce="n2"), "forged"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_each_fault_is_explained(data: bytes, explanation: str) -> None:
    with pytest.raises(ValueError, match=explanation) as caught:
        read(data, "n1")
    assert "\x1b" not in str(caught.value)


def test_a_nonce_is_only_compared_when_one_is_given() -> None:
    assert read(marker(nonce="whoever"), None).nonce == "whoever"


def test_a_byte_order_mark_and_windows_line_ends_are_forgiven() -> None:
    assert read(b"\xef\xbb\xbf" + marker(note="a\r\nb"), "n1").note == "a\nb"


def test_the_longest_message_fits_in_any_script() -> None:
    longest = Marker(kind=MarkerKind.MESSAGE, nonce="n1", to="all", note="🙂" * TEXT_LIMIT)
    assert read(render(longest), "n1") == longest


def test_every_kind_has_a_limit() -> None:
    assert set(NOTE_LIMITS) == set(MarkerKind)
    assert set(MarkerKind) >= NEEDS_NOTE


def about(**fields: Any) -> bytes:
    return json.dumps({"kind": "note", "nonce": "n1", "note": "slow"} | fields).encode()


def test_a_note_may_say_what_it_is_about() -> None:
    found = read(about(namespace="db/tests", ttl=60, paths=["./src/a.py", "docs/"]), "n1")
    assert (found.namespace, found.ttl, found.paths) == ("db/tests", 60, ("src/a.py", "docs"))
    assert read(render(found), "n1") == found


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"namespace": "Not Plain"}, "namespace"),
        ({"namespace": 5}, "namespace"),
        ({"ttl": 0}, "ttl"),
        ({"ttl": True}, "ttl"),
        ({"ttl": 1e300}, "ttl"),
        ({"paths": "src"}, "paths"),
        ({"paths": [1]}, "paths"),
        ({"paths": ["../../etc"]}, "paths"),
        ({"paths": ["/etc"]}, "paths"),
        ({"paths": ["a\u202e"]}, "paths"),
        ({"paths": [f"f{n}" for n in range(21)]}, "paths"),
        ({"kind": "progress", "paths": ["a"]}, "Only a note"),
        ({"kind": "message", "to": "all", "ttl": 5}, "Only a note"),
    ],
)
def test_what_a_note_is_about_is_checked(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(about(**fields), "n1")
