"""From a file's bytes to text in UTF-8, by the encoding that is declared, or that the file shows.

Nothing is decoded by a guess: a likely encoding is only named, for someone to declare. Not here: records.
"""

import codecs
from dataclasses import dataclass

from data_contracts.errors import Problem, ReadError
from data_contracts.readers.raw import refuse, signature_of

EXPORT_AGAIN = "Export it again, and copy it whole."
UTF8_MARK = codecs.BOM_UTF8
MARKS = {  # longest first: that of UTF-32 begins like that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
AROUND = 2**15  # bytes on either side of an offending one, to name the encoding by
UNMARKED = 2**10  # bytes by which UTF-16 without a mark is recognised


@dataclass(frozen=True, slots=True, eq=False)
class Utf8Text:
    """A file's text as UTF-8 without a mark, and what is to be told of its encoding."""

    data: bytes
    is_ascii: bool
    notes: tuple[str, ...] = ()


def decoded_text(data: bytes, encoding: str, where: str) -> Utf8Text:
    """Return a file's text.

    Args:
        data: The file's bytes.
        encoding: The declared one; UTF-8 is looked for when empty.
        where: The file's name in messages.

    Raises:
        ReadError: empty, no text, or not in that encoding.
    """
    known = _codec(encoding, where)
    _refuse_what_is_no_text(data, known, where)
    if known != "utf-8":
        return _transcoded(data, known, encoding, where)
    body = data.removeprefix(UTF8_MARK)
    if not _is_utf8(body):
        raise _undecodable(data, known, where)
    return Utf8Text(body, body.isascii(), _utf8_notes(data, body, encoding))


def _utf8_notes(data: bytes, body: bytes, encoding: str) -> tuple[str, ...]:
    if len(body) != len(data):
        return ("Read as UTF-8, by the byte order mark it begins with.",)
    if encoding or body.isascii():
        return ()
    return ("Read as UTF-8: none is declared, and all of it fits.",)


def _codec(encoding: str, where: str) -> str:
    try:
        name = codecs.lookup(encoding or "utf-8").name
        b"".decode(name)  # some are no encodings of text
    except (LookupError, UnicodeError):
        problem = Problem(f"{where}, encoding", repr(encoding), "an encoding such as cp1252")
        raise ReadError(f"{where} can't be read.", [problem]) from None
    return "utf-8" if name == "utf-8-sig" else name


def _refuse_what_is_no_text(data: bytes, known: str, where: str) -> None:
    if not data:
        refuse(where, [Problem(where, "an empty file (0 bytes)", "a CSV", EXPORT_AGAIN)])
    marked = next((name for mark, name in MARKS.items() if data.startswith(mark)), "")
    kind = marked or _unmarked_utf16(data)
    if kind and not known.startswith("utf-16" if kind == "utf-16" else "utf-32"):
        remedy = f"Export it as CSV in UTF-8, or set the form's `encoding` to {kind!r} in the trial file."
        refuse(where, [Problem(where, f"text in {kind.upper()}", "a CSV in " + known.upper(), remedy)])
    if not kind and (signature := signature_of(data)):
        refuse(where, [Problem(where, signature, "a CSV", "Export it as CSV in UTF-8.")])


def _unmarked_utf16(data: bytes) -> str:
    """Return "utf-16" where most of every other byte is zero, as in Latin text without a mark."""
    start = data[:UNMARKED]
    half = len(start) // 2
    zeros = max(start[0::2].count(0), start[1::2].count(0))
    return "utf-16" if half > 1 and 2 * zeros > half else ""


def _is_utf8(data: bytes) -> bool:
    """Return whether bytes are UTF-8, without making a string of them."""
    import numpy as np
    import pyarrow as pa

    ends = pa.py_buffer(np.array([0, len(data)], dtype=np.int64))
    try:
        pa.LargeStringArray.from_buffers(1, ends, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _transcoded(data: bytes, known: str, encoding: str, where: str) -> Utf8Text:
    try:
        text = data.decode(known)
    except UnicodeDecodeError:
        raise _undecodable(data, known, where) from None
    is_wide = known.startswith(("utf-16", "utf-32"))
    if not is_wide and not data.isascii() and _is_utf8(data):
        remedy = "Set the form's `encoding` to 'utf-8' in the trial file."
        refuse(where, [Problem(where, "text in UTF-8", f"{encoding}, as declared", remedy)])
    plain = text.removeprefix("\ufeff").encode("utf-8", "surrogatepass")
    notes = (f"Read as {encoding}, as declared.",)
    return Utf8Text(plain, plain.isascii(), notes)


def _undecodable(data: bytes, known: str, where: str) -> ReadError:
    """Return the refusal of bytes that are not in the encoding, with the first one's place."""
    try:
        data.decode(known)
        at = 0
    except UnicodeDecodeError as error:
        at = error.start
    line = data.count(b"\n", 0, at) + 1
    found = f"a byte that is not {known} (byte {at + 1} of the file)"
    problem = Problem(f"{where}, line {line}", found, "text", "")
    if known == "utf-8":
        problem = _with_remedy(problem, data, at)
    else:
        problem = _replaced(problem, "", "Set the form's `encoding` to what the file is written in.")
    return ReadError(f"{where} can't be read.", [problem])


def _with_remedy(problem: Problem, data: bytes, at: int) -> Problem:
    """Return what is not UTF-8 with what it may be instead: two encodings in one file, or one that is named."""
    if _is_mixed(data):
        remedy = "Lines of the file differ in their encoding: export it again in one, best in UTF-8."
        return _replaced(problem, ", though other characters are", remedy)
    likely = _likely_encoding(data[max(0, at - AROUND) : at + AROUND])
    named = f"; the text may be {likely}" if likely else ""
    remedy = "Export it in UTF-8, or set the form's `encoding` in the trial file."
    return _replaced(problem, named, remedy)


def _replaced(problem: Problem, more: str, remedy: str) -> Problem:
    return Problem(problem.where, problem.found + more, problem.expected, remedy)


def _is_mixed(data: bytes) -> bool:
    """Return whether some characters beyond ASCII are UTF-8, in a file that is not: by chance, hardly any is."""
    text = data.decode("utf-8", "ignore")
    return not text.isascii()


def _likely_encoding(part: bytes) -> str:
    """Return the name of the encoding that text may be in; it is named to a person, never used."""
    from charset_normalizer import from_bytes

    best = from_bytes(part).best()
    if best is None:
        return ""
    # Several give the same text for most Latin ones; of those, Windows' Western one is by far the most common.
    return "windows-1252" if "cp1252" in {best.encoding, *best.could_be_from_charset} else best.encoding
