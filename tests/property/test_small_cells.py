"""Hidden counts stay hidden from an intruder who knows every published number and how all of them add up.

The intruder here is another program than the one that hides: SciPy's `linprog` on the whole table, with what the
signs say, whatever groups the hidden counts fall into.
"""

from itertools import product

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from analysis.reporting.audiences.coarse import ends_joined, joined
from analysis.reporting.audiences.small_cells import adds_up, at_most, floors, is_kept, protect

COUNTS = st.integers(0, 12)
THRESHOLDS = st.integers(2, 6)


def table(cells):
    """Return a table's counts with its margins, and how they add up."""
    n_rows, n_columns = len(cells), len(cells[0])
    counts = {f"{i},{j}": cells[i][j] for i, j in product(range(n_rows), range(n_columns))}
    relations = []
    for i in range(n_rows):
        counts[f"{i},all"] = sum(cells[i])
        relations.append(adds_up(f"{i},all", [f"{i},{j}" for j in range(n_columns)]))
    for j in range(n_columns):
        counts[f"all,{j}"] = sum(row[j] for row in cells)
        relations.append(adds_up(f"all,{j}", [f"{i},{j}" for i in range(n_rows)]))
    counts["all"] = sum(map(sum, cells))
    relations.append(adds_up("all", [f"{i},all" for i in range(n_rows)]))
    # The same count in another table.
    counts["again"] = counts["0,all"]
    relations.append(adds_up("again", ["0,all"]))
    return counts, relations


TABLES = st.tuples(st.integers(2, 4), st.integers(2, 4)).flatmap(
    lambda shape: st.lists(
        st.lists(COUNTS, min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
    )
)


def attacked(counts, relations, signs, threshold):
    """Yield each hidden count's name with the range that an intruder finds."""
    names = list(counts)
    most = 1000
    limits = {
        "small": (1, threshold - 1),
        "large": (threshold, most),
        "withheld": (1, most),
        "unseen": (0, most),
    }
    bounds = [limits[signs[n]] if n in signs else (counts[n], counts[n]) for n in names]
    rows = {True: [], False: []}
    for relation in relations:
        rows[relation.is_sum].append([relation.weights.get(n, 0) for n in names])
    given_ = {
        "A_eq": rows[True] or None, "b_eq": [0] * len(rows[True]) or None,
        "A_ub": rows[False] or None, "b_ub": [0] * len(rows[False]) or None, "bounds": bounds,
    }  # fmt: skip
    for name in signs:
        aim = np.array([float(n == name) for n in names])
        low, high = linprog(aim, **given_), linprog(-aim, **given_)
        assert low.success
        assert high.success
        yield name, low.fun, -high.fun


def assert_hidden(counts, relations, signs, threshold):
    for name, low, high in attacked(counts, relations, signs, threshold):
        assert low - 1e-6 <= counts[name] <= high + 1e-6
        if signs[name] == "small" or (signs[name] == "unseen" and 1 <= counts[name] < threshold):
            assert low <= 1 + 1e-6, name
            assert high >= threshold - 1 - 1e-6, name
        elif 1 <= counts[name] < threshold:
            assert high >= threshold - 1e-6, name
    small = {name for name, n in counts.items() if 1 <= n < threshold}
    assert small <= set(signs)


@settings(max_examples=60, deadline=None)
@given(TABLES, THRESHOLDS)
def test_no_sum_of_a_table_narrows_a_small_count(cells, threshold):
    """All of 1 to t - 1 stays possible for each that is shown as "<t"; one that is not shown may be t or more."""
    counts, relations = table(cells)
    assert_hidden(counts, relations, protect(counts, relations, threshold), threshold)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(COUNTS, st.integers(0, 5)), min_size=1, max_size=4), st.integers(0, 8), THRESHOLDS)
def test_people_and_events_hide_each_other(kinds, overlap, threshold):
    """A person may have events of several kinds: sums of people bound, sums of events are exact."""
    people = [min(n, 10) for n, _ in kinds]
    any_people = max([*people, sum(people) - overlap])
    counts = {f"people {k}": n for k, n in enumerate(people)} | {"people": any_people}
    counts |= {
        f"events {k}": n + (more if n else 0)
        for k, (n, (_, more)) in enumerate(zip(people, kinds, strict=True))
    }
    counts["events"] = sum(counts[f"events {k}"] for k in range(len(kinds)))
    relations = [
        adds_up("events", [f"events {k}" for k in range(len(kinds))]),
        at_most("people", [f"people {k}" for k in range(len(kinds))]),
        *(at_most(f"people {k}", [f"events {k}"]) for k in range(len(kinds))),
        *(at_most(f"people {k}", ["people"]) for k in range(len(kinds))),
    ]
    assert_hidden(counts, relations, protect(counts, relations, threshold), threshold)


def patterns_and_visits(sizes):
    """Return how many have each pattern of 3 visits, and how many were seen and missing at each: all that is shown."""
    patterns = dict(zip(map("".join, product("X.", repeat=3)), sizes, strict=True))
    counts = {**patterns, "all": sum(sizes)}
    relations = [adds_up("all", patterns)]
    for visit, sign in product(range(3), "X."):
        own = [pattern for pattern in patterns if pattern[visit] == sign]
        counts[f"{sign} at {visit}"] = sum(patterns[pattern] for pattern in own)
        relations.append(adds_up(f"{sign} at {visit}", own))
    return counts, relations, patterns


@settings(max_examples=60, deadline=None)
@given(st.lists(COUNTS, min_size=8, max_size=8), THRESHOLDS)
def test_counts_that_no_table_has_do_not_follow_from_those_that_one_has(sizes, threshold):
    """Patterns of missing visits are told by their margins: each small one stays open, shown anywhere or not."""
    counts, relations, patterns = patterns_and_visits(sizes)
    assume(counts["all"] >= 3 * threshold)
    signs = protect(counts, relations, threshold, fixed=["all"], unseen=patterns)
    assert_hidden(counts, relations, signs, threshold)
    assert "all" not in signs
    assert is_kept(counts, relations, threshold, signs)


def test_a_class_that_tells_a_pattern_is_not_kept():
    """Missing at 11, 29 and 36 of 154: with 11 who came back, three patterns follow (c = 7, d = 3, e = 1)."""
    sizes = {"XXX": 110, "X..": 14, "XX.": 12, "...": 7, "X.X": 7, ".X.": 3, "..X": 1, ".XX": 0}
    counts, relations, patterns = patterns_and_visits([sizes["".join(p)] for p in product("X.", repeat=3)])
    signs = protect(counts, relations, 5, fixed=["all"], unseen=patterns)
    assert set(signs) == set(patterns), "the margins alone tell none"
    came_back = {"X.X", ".X.", "..X", ".XX"}
    classes = {"came back": came_back, "left": {"X..", "XX."}, "nobody again": {"..."}}
    told = {name: sum(sizes[pattern] for pattern in own) for name, own in classes.items()}
    with_classes = [*relations, *(adds_up(name, own) for name, own in classes.items())]
    assert not is_kept({**counts, **told}, with_classes, 5, signs)
    joined_up = [*relations, adds_up("left or came back", classes["left"] | came_back)]
    assert is_kept({**counts, "left or came back": 37}, joined_up, 5, signs)


@settings(max_examples=40, deadline=None)
@given(TABLES, THRESHOLDS)
def test_a_floor_is_the_least_that_an_intruder_finds(cells, threshold):
    """Whether a mean is shown hangs on it: it may rest on nothing that is hidden."""
    counts, relations = table(cells)
    signs = protect(counts, relations, threshold)
    known = floors(list(counts), counts, relations, threshold, signs)
    found = {name: low for name, low, _ in attacked(counts, relations, signs, threshold)}
    assert all(known[name] >= low - 1e-6 for name, low in found.items())
    assert all(1 <= known[name] <= counts[name] for name in signs)
    assert all(known[name] == n for name, n in counts.items() if name not in signs)


@given(st.lists(COUNTS, max_size=20), THRESHOLDS)
def test_neighbours_joined_are_none_or_many_and_lose_nobody(counts, threshold):
    """The sum of what is shown is the sum of all, unless all together are too few to show."""
    found = joined([(str(i), n) for i, n in enumerate(counts)], threshold)
    assert all(n == 0 or n >= threshold for _, n in found)
    whole = sum(counts)
    assert sum(n for _, n in found) == (whole if whole >= threshold or whole == 0 else 0)
    if found:
        assert [name for names, _ in found for name in names] == [str(i) for i in range(len(counts))]


@given(st.lists(COUNTS, max_size=20), THRESHOLDS)
def test_the_outer_ones_reach_from_end_to_end(counts, threshold):
    """Empty bins at the ends would tell the least and the greatest value."""
    found = joined([(str(i), n) for i, n in enumerate(counts)], threshold)
    whole = ends_joined(found)
    assert [name for names, _ in whole for name in names] == [name for names, _ in found for name in names]
    assert [n for _, n in whole if n] == [n for _, n in found if n]
    if any(n for _, n in found):
        assert whole[0][1] > 0
        assert whole[-1][1] > 0
