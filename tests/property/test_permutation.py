"""Whatever participants there are, the shuffled allocation is a permutation within strata, or joined ones."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from data_contracts.blinding import Person, permutation

PEOPLE = st.lists(
    st.tuples(st.sampled_from(["A", "B", "C", ""]), st.sampled_from(["UC", "SRT"]), st.dates().map(str)),
    max_size=40,
).map(lambda rows: [Person(f"P{i}", (s,), arm, when) for i, (s, arm, when) in enumerate(rows)])


@given(PEOPLE, st.binary(min_size=1, max_size=32))
def test_everybody_gives_their_arm_to_one_and_is_given_one(people, key):
    """No arm is lost, none is doubled."""
    drawn = permutation(people, key)
    names = [one.participant for one in people]
    assert sorted(drawn) == sorted(drawn.values()) == sorted(names)


@given(PEOPLE, st.binary(min_size=1, max_size=32))
def test_a_stratum_with_both_arms_keeps_its_totals_but_where_another_had_to_be_joined(people, key):
    """At most one mixed stratum is joined to those of one arm; the whole keeps its totals always."""
    drawn, by_name = permutation(people, key), {one.participant: one for one in people}
    shown = {one.participant: by_name[drawn[one.participant]].arm for one in people}
    strata = {one.stratum for one in people}
    changed = 0
    for stratum in strata:
        inside = [one for one in people if one.stratum == stratum]
        true = Counter(one.arm for one in inside)
        if len(true) == 2:
            changed += true != Counter(shown[one.participant] for one in inside)
    assert changed <= 1
    assert Counter(shown.values()) == Counter(one.arm for one in people)


@given(PEOPLE, st.randoms(use_true_random=False))
def test_the_order_of_the_file_does_not_matter(people, random):
    """An export sorted otherwise must not draw anew."""
    turned = people.copy()
    random.shuffle(turned)
    assert permutation(turned, b"k") == permutation(people, b"k")
