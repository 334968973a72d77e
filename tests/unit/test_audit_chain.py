"""The audit log's chain: what was done to a log is found, and where."""

import json

import pytest

from data_contracts.audit_chain import Entry, Head, entries, flaws


def a_log(n):
    """Return a log of n lines, and where it ends."""
    lines, before = [], "0" * 64
    for seq in range(1, n + 1):
        entry = Entry(seq, f"2026-01-{seq:02d}T00:00:00+00:00", "ann", f"did {seq}", prev=before).sealed()
        lines.append(entry.line())
        before = entry.hash
    return lines, Head(n, before, sum(map(len, lines)))


LINES, HEAD = a_log(6)


def found(lines, head=HEAD, **more):
    return {flaw.line: flaw.what for flaw in flaws(b"".join(lines), head, **more)}


def resealed(line, **changes):
    """Return a line that was changed by somebody who knows how its hash is made."""
    return Entry(**{**json.loads(line), **changes}).sealed().line()


def test_a_log_as_written_has_no_flaw():
    """A verifier that always finds something is soon ignored."""
    assert found(LINES) == {}
    assert [entry.seq for entry in entries(b"".join(LINES))] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("at", range(6))
def test_an_edited_line_is_named(at):
    """Who, what, when and why must stay as they were written."""
    edited = [*LINES[:at], LINES[at].replace(b"ann", b"eve"), *LINES[at + 1 :]]
    assert list(found(edited)) == [at + 1]


@pytest.mark.parametrize("at", range(6))
def test_a_line_edited_and_hashed_anew_is_named(at):
    """The hash is no secret; the line after it, or the head, still knows the old one."""
    edited = [*LINES[:at], resealed(LINES[at], who="eve"), *LINES[at + 1 :]]
    assert list(found(edited)) == [at + 1]


@pytest.mark.parametrize("at", range(5))
def test_a_line_taken_out_is_found_where_it_stood(at):
    """Deleting is the easiest way to hide something."""
    assert at + 1 in found([*LINES[:at], *LINES[at + 1 :]])


@pytest.mark.parametrize("at", range(6))
def test_a_line_put_in_is_found(at):
    """A copy of another line is a true line in the wrong place."""
    longer = [*LINES[:at], LINES[3 if at != 3 else 0], *LINES[at:]]
    assert {at + 1, at + 2} & set(found(longer))


def test_lines_that_changed_places_are_found():
    """The order tells who knew what when."""
    swapped = [LINES[0], LINES[2], LINES[1], *LINES[3:]]
    assert 2 in found(swapped)


@pytest.mark.parametrize("kept", range(6))
def test_an_end_that_was_cut_is_found(kept):
    """A chain alone does not know how long it was: the head does."""
    assert f"{6 - kept} of 6 lines are missing" in found(LINES[:kept])[kept + 1]


def test_a_line_cut_in_the_middle_is_found():
    """Half a line is no line."""
    assert 6 in found([*LINES[:5], LINES[5][:40]])


def test_a_chain_made_anew_is_found_by_the_head_and_by_witnesses():
    """Whoever writes the whole log anew has a right chain, but not the hashes that others have kept."""
    forged, _ = a_log(6)
    before, whole = "0" * 64, []
    for line in forged:
        whole.append(resealed(line, who="eve", prev=before))
        before = json.loads(whole[-1])["hash"]
    assert list(found(whole)) == [6]
    witness = json.loads(LINES[2])["hash"]
    new_head = Head(6, before, 0)
    assert found(whole, head=new_head) == {}, "with the head forged too, the log alone can't tell"
    assert "the lock of demo" in found(whole, head=new_head, witnesses={witness: "the lock of demo"})[0]


def test_one_line_after_the_head_is_a_writer_that_was_stopped_and_two_are_not():
    """The line is written before the head: a kill in between must not look like a forgery."""
    assert found(LINES, Head(5, json.loads(LINES[4])["hash"], 0)) == {}
    assert 6 in found(LINES, Head(4, json.loads(LINES[3])["hash"], 0))


@pytest.mark.parametrize("line", [b"{}\n", b"\n", b"null\n", b"not json\n", b'{"seq": 1}\n', b"\xff\n"])
def test_what_is_no_entry_is_named_and_not_obeyed(line):
    """Whatever stands in the file, verifying it must not fail."""
    assert 3 in found([*LINES[:2], line, *LINES[3:]])
