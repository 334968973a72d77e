"""Hidden counts stay hidden from an intruder who knows every published number and how all of them add up.

The intruder here is another program than the one that hides: SciPy's `linprog` on the whole table, with what the
signs say, whatever groups the hidden counts fall into.
"""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from analysis.reporting.audiences.coarse import joined
from analysis.reporting.audiences.small_cells import adds_up, at_most, protect

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
    limits = {"small": (1, threshold - 1), "large": (threshold, most), "withheld": (0, most)}
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
        if signs[name] == "small":
            assert low <= 1 + 1e-6, name
            assert high >= threshold - 1 - 1e-6, name
        elif counts[name] < threshold:
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


@given(st.lists(COUNTS, max_size=20), THRESHOLDS)
def test_neighbours_joined_are_none_or_many_and_lose_nobody(counts, threshold):
    """The sum of what is shown is the sum of all, unless all together are too few to show."""
    found = joined([(str(i), n) for i, n in enumerate(counts)], threshold)
    assert all(n == 0 or n >= threshold for _, n in found)
    whole = sum(counts)
    assert sum(n for _, n in found) == (whole if whole >= threshold or whole == 0 else 0)
    if found:
        assert [name for names, _ in found for name in names] == [str(i) for i in range(len(counts))]
