"""Bodies are read in the one way that cannot mislead, and edited without being rewritten."""

import json
import time
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.bodies import Unreadable, form, json_object, multipart, splice
from metering.quotes import Edit

JSON = "application/json"
names = st.text(max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(names | st.sampled_from(["a", "b", "stream_options"]), values, max_size=5)
writers = st.sampled_from(
    [
        orjson.dumps,
        lambda found: json.dumps(found).encode(),
        lambda found: json.dumps(found, indent=2, ensure_ascii=False).encode(),
        lambda found: (" \t\n" + json.dumps(found, separators=(" ,\n", "\t: ")) + "\r\n").encode(),
    ]
)
paths = st.lists(names | st.sampled_from(["a", "b", "stream_options"]), min_size=1, max_size=3)
edits = st.lists(
    st.builds(
        lambda path, value: Edit(tuple(path), value),
        paths,
        st.booleans() | st.integers(0, 10**6) | st.text(max_size=5),
    ),
    max_size=3,
)


def put(found: dict[str, Any], edit: Edit) -> dict[str, Any]:
    """Say what an edit should do, plainly."""
    first, *rest = edit.path
    inner: Any = edit.value
    if rest:
        there = found.get(first)
        inner = put(there if isinstance(there, dict) else {}, Edit(tuple(rest), edit.value))
    return {**found, first: inner}


@given(found=objects, write=writers, changes=edits)
@settings(max_examples=40, deadline=None)
def test_an_edited_body_says_what_it_said_and_what_was_put_in(
    found: dict[str, Any], write: Any, changes: list[Edit]
) -> None:
    body = write(found)
    assert json_object(body, JSON) == found

    expected = found
    for edit in changes:
        expected = put(expected, edit)
    assert orjson.loads(splice(body, changes)) == expected


@given(found=objects, write=writers)
@settings(max_examples=15, deadline=None)
def test_putting_a_new_member_in_leaves_every_other_byte_where_it_was(
    found: dict[str, Any], write: Any
) -> None:
    body = write(found)
    new = splice(body, [Edit(("never there before",), 7)])
    start = new.index(b'"never there before":7')
    end = start + len(b'"never there before":7') + (1 if found else 0)
    assert new[:start] + new[end:] == body


def test_only_the_value_is_replaced_where_the_name_is_there() -> None:
    body = b'{ "a" : {"x": [1, "}\\""] , "y":2.50}, "b": -1.0e3 }'
    assert splice(body, [Edit(("b",), 5)]) == b'{ "a" : {"x": [1, "}\\""] , "y":2.50}, "b": 5 }'
    assert splice(body, [Edit(("a", "y"), value=True)]) == body.replace(b"2.50", b"true")
    assert splice(body, [Edit(("a", "z", "w"), "v")]) == body.replace(
        b'{"x"', b'{"z":{"w":"v"},"x"'
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"max_tokens": 1, "max_tokens": 100000}',
        b'{"max_tokens": 1, "max\\u005ftokens": 100000}',
        b'{"a": {"b": [{"c": 1, "c": 2}]}}',
        # Quotes in escapes, as many as those of the name that is lost.
        b'{"n": 1, "n": 9, "x": "\\u0022\\u0022"}',
        b'{"": 1, "": 2, "x": "\\u0022\\u0022"}',
    ],
)
def test_a_name_that_stands_twice_is_refused_however_it_is_written(body: bytes) -> None:
    with pytest.raises(Unreadable, match="twice"):
        json_object(body, JSON)


@given(found=objects, name=names, value=values)
@settings(max_examples=20, deadline=None)
def test_whatever_else_stands_in_a_body_a_second_name_is_seen(
    found: dict[str, Any], name: str, value: Any
) -> None:
    members = [*found.items(), (name, value), (name, 1)]
    body = "{" + ",".join(f"{json.dumps(key)}:{json.dumps(one)}" for key, one in members) + "}"
    with pytest.raises(Unreadable):
        json_object(body.encode(), JSON)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (None, JSON),
        (b"", JSON),
        (b"[]", JSON),
        (b"7", JSON),
        (b'{"a": NaN}', JSON),
        (b'{"a": 1} {"a": 2}', JSON),
        (b'{"a": 1,}', JSON),
        (b'\xef\xbb\xbf{"a": 1}', JSON),
        ('{"a": 1}'.encode("utf-16"), JSON),
        (b'{"a": "\xff"}', JSON),
        (b'{"a": "\\ud800"}', JSON),
        (b'{"a": 1}', "text/plain"),
        (b'{"a": 1}', "application/json; charset=utf-7"),
        (b'{"a": 1}', ""),
        (b'{"a":"\\u0022"' + b',"b":[' * 2_000 + b"]" * 2_000 + b"}", JSON),
    ],
)
def test_what_is_no_json_object_in_utf_8_is_refused(body: bytes | None, content_type: str) -> None:
    with pytest.raises(Unreadable):
        json_object(body, content_type)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", 'application/json;charset="utf-8"'],
)
def test_json_may_say_that_it_is_utf_8(content_type: str) -> None:
    assert json_object(b'{"a": "\\u0022"}', content_type) == {"a": '"'}


def test_a_body_of_nothing_but_escapes_takes_time_in_proportion_to_its_length() -> None:
    body = b'{"a":"' + b'\\"' * 1_000_000 + b'"}'
    began = time.process_time()
    json_object(body, JSON)
    splice(body, [Edit(("b",), 1)])
    assert time.process_time() - began < 3


def test_a_long_body_whose_names_would_take_long_to_check_is_refused() -> None:
    body = b'{"a": "\\u0022' + b"b" * 1_000_000 + b'"}'
    with pytest.raises(Unreadable, match="u0022"):
        json_object(body, JSON)


def test_a_long_body_of_very_many_values_is_refused_before_any_is_read() -> None:
    body = b'{"a": [' + b"[]," * 4_000_000 + b"[]]}"
    began = time.process_time()
    with pytest.raises(Unreadable, match="values"):
        json_object(body, JSON)
    assert time.process_time() - began < 0.5


def test_a_long_body_of_few_values_is_read() -> None:
    text = "a picture " * 200_000
    assert json_object(json.dumps({"a": [text]}).encode(), JSON) == {"a": [text]}


def test_a_form_gives_every_value_of_a_name() -> None:
    assert form(b"To=%2B15005550006&Body=a+b&MediaUrl=1&MediaUrl=2&Empty=") == {
        "To": ["+15005550006"],
        "Body": ["a b"],
        "MediaUrl": ["1", "2"],
        "Empty": [""],
    }
    assert form(b"") == {}


@pytest.mark.parametrize(
    "body", [None, b"a", b"a=%FF", "a=\u00e9".encode(), b"&".join([b"a=1"] * 1_001)]
)
def test_a_form_that_readers_take_differently_is_refused(body: bytes | None) -> None:
    with pytest.raises(Unreadable):
        form(body)


TYPE = "multipart/form-data; boundary=AaB03x"


def parts(*written: bytes) -> bytes:
    return b"".join(b"--AaB03x\r\n" + part + b"\r\n" for part in written) + b"--AaB03x--\r\n"


MODEL = b'Content-Disposition: form-data; name="model"\r\n\r\nwhisper-1'
FILE = (
    b'Content-Disposition: form-data; name="file"; filename="a.mp3"\r\n'
    b"Content-Type: audio/MPEG\r\n\r\n\r\n--\r\nany bytes\x00\xff\r\n"
)


def test_the_parts_of_a_form_are_what_stands_between_the_boundaries() -> None:
    first, second = multipart(parts(MODEL, FILE), TYPE)
    assert (first.name, first.filename, first.text) == ("model", None, "whisper-1")
    assert (second.name, second.filename, second.content_type) == ("file", "a.mp3", "audio/mpeg")
    assert bytes(second.data) == b"\r\n--\r\nany bytes\x00\xff\r\n"
    assert "whisper" not in repr(first)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (None, TYPE),
        (b"", TYPE),
        (b"--AaB03x--\r\n", TYPE),
        (b"preamble\r\n" + parts(MODEL), TYPE),
        (parts(MODEL) + b"epilogue", TYPE),
        (parts(MODEL)[:-4], TYPE),
        # A boundary with blanks after it, and one at the end of a bare line.
        (parts(MODEL).replace(b"x\r\nC", b"x \r\nC"), TYPE),
        (parts(MODEL, b'Content-Disposition: form-data; name="x"\r\n\r\n\n--AaB03x\r\nz'), TYPE),
        (parts(b"Content-Disposition: form-data; name=model\r\n\r\nx"), TYPE),
        (parts(b'Content-Disposition: form-data; name="a"; name="model"\r\n\r\nx'), TYPE),
        (parts(b"Content-Disposition: form-data; name=\"a\"; name*=utf-8''b\r\n\r\nx"), TYPE),
        (parts(MODEL.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n")), TYPE),
        (parts(MODEL.replace(b"\r\n\r\n", b'\r\nContent-Disposition: x; name="y"\r\n\r\n')), TYPE),
        (parts(b"no blank line"), TYPE),
        (parts(*[MODEL] * 101), TYPE),
        (parts(MODEL), "multipart/form-data"),
        (parts(MODEL), "multipart/form-data; boundary=AaB03x; boundary=other"),
        (parts(MODEL), "multipart/mixed; boundary=AaB03x"),
    ],
)
def test_a_form_whose_parts_may_be_told_apart_in_two_ways_is_refused(
    body: bytes | None, content_type: str
) -> None:
    with pytest.raises(Unreadable):
        multipart(body, content_type)


@given(data=st.lists(st.binary(max_size=40), min_size=1, max_size=4), junk=st.binary(max_size=20))
@settings(max_examples=30, deadline=None)
def test_parts_are_read_whole_or_refused(data: list[bytes], junk: bytes) -> None:
    written = [b'Content-Disposition: form-data; name="f"\r\n\r\n' + one for one in data]
    assert [bytes(part.data) for part in multipart(parts(*written), TYPE)] == data
    try:
        multipart(parts(*written)[:-4] + junk, TYPE)
    except Unreadable:
        pass
    else:
        assert junk in {b"--", b"--\r\n"}
