"""Tuning: an analyst's verdicts move the weights as far as they go, and no farther."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.flag.tuning import ENOUGH, Example, Tuning, cross_measure, fit, measure, tuned
from monitor.model import Flag


def polls(count: int, *, relevant: bool) -> list[Example]:
    """Stories that score high because of a part this analyst does not care for."""
    return [Example({"base": -1.0, "polls": 2.0, "title": 0.5 + n / 100}, relevant) for n in range(count)]


def votes(count: int, *, relevant: bool = True) -> list[Example]:
    """Stories that score high because of what she does care for."""
    return [Example({"base": -1.0, "vote": 2.0, "title": 0.5 + n / 100}, relevant) for n in range(count)]


def test_a_part_that_misleads_loses_its_weight() -> None:
    """She wants votes and no polls: the factor of polls falls, that of votes does not."""
    tuning = fit([*polls(12, relevant=False), *votes(12)], 0.5)
    assert tuning.factors["polls"] < 0.5
    assert tuning.factors.get("vote", 1.0) >= 0.9


def test_precision_rises_on_verdicts_that_were_not_learned_from() -> None:
    """By five folds: the shipped weights flag everything, the tuned ones only votes."""
    examples = [example for pair in zip(polls(20, relevant=False), votes(20), strict=True) for example in pair]
    before, _ = measure(examples, Tuning(), 0.5)
    after, recall = cross_measure(examples, 0.5)
    assert before == 0.5
    assert after > 0.9
    assert recall > 0.9


def test_verdicts_of_one_kind_teach_nothing() -> None:
    """Only relevant ones, or none at all: the shipped weights stay."""
    assert fit(votes(30), 0.5) == Tuning()
    assert fit([], 0.5) == Tuning()


def test_a_few_verdicts_do_not_move_the_threshold() -> None:
    """Fewer than ten of a kind are too few for that."""
    assert fit([*polls(3, relevant=False), *votes(3)], 0.5).threshold is None
    assert fit([*polls(ENOUGH, relevant=False), *votes(ENOUGH)], 0.5).threshold is not None


def test_a_tuned_flag_is_scored_from_its_parts_and_says_that_it_is_tuned() -> None:
    """Half the weight of a part, half its share in the score; the rule's name changes with it."""
    flag = Flag("t", 0.88, True, (), {"base": -1.0, "polls": 3.0}, "r1")
    changed = tuned(flag, Tuning({"polls": 0.0}), 0.5)
    assert changed.parts == {"base": -1.0, "polls": 0.0}
    assert not changed.flagged
    assert round(changed.score, 3) == 0.269
    assert changed.rule == "r1+tuned"


def test_no_tuning_changes_no_judgement() -> None:
    """Factors of 1 give the same score."""
    flag = Flag("t", 0.8807970779778823, True, (), {"base": -1.0, "polls": 3.0}, "r1")
    assert abs(tuned(flag, Tuning(), 0.5).score - flag.score) < 1e-9


@given(
    st.lists(
        st.tuples(st.dictionaries(st.sampled_from("abc"), st.floats(-5, 5), max_size=3), st.booleans()), max_size=12
    )
)
def test_any_verdicts_can_be_learned_from(rows: list[tuple[dict[str, float], bool]]) -> None:
    """Factors stay finite and never turn a part round."""
    tuning = fit([Example(parts, relevant) for parts, relevant in rows], 0.5)
    assert all(0 <= factor < 1000 for factor in tuning.factors.values())
