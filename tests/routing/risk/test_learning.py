"""SG-11: the model learns online, is calibrated, explains each score exactly, is data, and keeps silent until it knows enough."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.model import Lesson
from routing.risk import learning
from routing.risk.learning import calibration, fitted, learned
from routing.risk.model import Foretold, RiskModel, assess, read, silence, written
from routing.risk.rules import RiskRules

RULES = RiskRules(at_least=200, horizon=1)
WORDS = ("channel=chat", "channel=email", "reopened=1", "reopened=2-3", "tag=vip", "tag=late")
LESSONS = st.lists(
    st.builds(Lesson, features=st.lists(st.sampled_from(WORDS), max_size=4).map(tuple), escalated=st.booleans()),
    max_size=120,
)


def desk(count: int, seed: int = 1) -> list[tuple[Lesson, float]]:
    """Return cases of a desk that escalates by chance, each with how likely that was."""
    chance = random.Random(seed)
    made: list[tuple[Lesson, float]] = []
    for _ in range(count):
        features = [f"channel={chance.choice(('chat', 'email', 'phone'))}", f"weekday={chance.randrange(7)}"]
        odds = -1.5 + (features[0] == "channel=phone")
        for word, share, weight in (("bot_fallbacks=2-3", 0.3, 2.0), ("reopened=1", 0.2, 1.0), ("tag=vip", 0.1, -1.0)):
            if chance.random() < share:
                features.append(word)
                odds += weight
        likely = 1 / (1 + math.exp(-odds))
        made.append((Lesson(features=tuple(features), escalated=chance.random() < likely), likely))
    return made


def auc(scores: Sequence[float], came: Sequence[bool]) -> float:
    yes = [score for score, each in zip(scores, came, strict=True) if each]
    no = [score for score, each in zip(scores, came, strict=True) if not each]
    return sum((one > other) + (one == other) / 2 for one in yes for other in no) / (len(yes) * len(no))


@given(LESSONS, st.lists(st.integers(0, 120), max_size=4))
def test_what_is_learned_does_not_depend_on_the_batches(lessons: list[Lesson], cuts: list[int]) -> None:
    whole = learned(None, lessons)
    places = [0, *sorted(min(cut, len(lessons)) for cut in cuts), len(lessons)]
    model: RiskModel | None = None
    for start, end in pairwise(places):
        # Over the stored text, as in the gateway.
        model = read(written(learned(model, lessons[start:end])))
    assert model == whole
    assert whole.cases == len(lessons)
    assert whole.escalated == sum(each.escalated for each in lessons)


@given(LESSONS, st.lists(st.sampled_from((*WORDS, "never=seen")), unique=True))
def test_the_parts_of_an_explanation_add_up_to_the_score(lessons: list[Lesson], features: list[str]) -> None:
    model = learned(None, lessons)
    whole = model.base + sum(part.amount for part in model.parts(features))
    assert math.isclose(model.probability(model.total(features)), 1 / (1 + math.exp(-whole)), abs_tol=1e-9)


def test_a_desk_is_learned_nearly_as_well_as_it_can_be_known_and_scores_mean_what_they_say() -> None:
    cases = desk(4000)
    model = learned(None, [lesson for lesson, _ in cases[:3000]])
    later = cases[3000:]
    came = [lesson.escalated for lesson, _ in later]
    scores = [model.probability(model.total(lesson.features)) for lesson, _ in later]
    best = auc([likely for _, likely in later], came)
    print(f"AUC {auc(scores, came):.3f}, by the true chances {best:.3f}")
    assert auc(scores, came) > best - 0.02
    off = sum(abs(score - likely) for score, (_, likely) in zip(scores, later, strict=True)) / len(later)
    assert off < 0.05
    tiers = calibration(model.stream)
    assert sum(tier.cases for tier in tiers) == len(model.stream) == learning.REMEMBERED
    assert sum(tier.cases * abs(tier.foretold - tier.came) for tier in tiers) / len(model.stream) < 0.06


def test_every_forecast_was_made_before_its_case_was_learned_from() -> None:
    """A model that judges itself by cases it knows would look better than it is."""
    lessons = [lesson for lesson, _ in desk(300, seed=4)]
    stream = learned(None, lessons).stream
    for number in (0, 1, 60, 299):
        before = learned(None, lessons[:number])
        total = before.total(sorted(lessons[number].features))
        assert math.isclose(stream[number].total, total, abs_tol=1e-12)
        assert stream[number].score == round(before.probability(total), 4)


@pytest.mark.parametrize(
    ("escalated", "others", "speaks"),
    [(0, 0, False), (100, 99, False), (100, 100, True), (20, 180, True), (19, 400, False), (400, 19, False)],
)
def test_it_is_silent_until_there_are_enough_closed_cases_of_both_kinds(
    escalated: int, others: int, speaks: bool
) -> None:
    model = RiskModel(escalated=escalated, others=others)
    risk = assess(model, 7, ["channel=chat"], RULES)
    assert (risk.score is not None) is speaks
    assert (silence(model, RULES) == "") is speaks
    assert risk.model == 7
    assert risk.evidence.startswith("unknown: ") is not speaks
    assert assess(None, 0, [], RULES).score is None


def test_the_evidence_names_what_weighed_most_in_words() -> None:
    model = learned(None, [lesson for lesson, _ in desk(1000)])
    risk = assess(model, 3, ["channel=phone", "weekday=1", "bot_fallbacks=2-3"], RULES)
    assert risk.score is not None
    assert 0.5 < risk.score <= 1
    assert "by model 3, of 1000 closed cases: raised by bot fallbacks 2-3 (+" in risk.evidence
    assert re.search(r"; lowered by .*no reopened \(-", risk.evidence)
    assert assess(model, 3, ["channel=chat"], RULES).evidence.count("no bot fallbacks (-") == 1


def test_a_scale_never_turns_the_order_round_and_needs_both_kinds() -> None:
    turned = [Foretold(total=number / 50 - 1, score=0.5, escalated=number < 50) for number in range(100)]
    assert fitted(turned)[0] > 0
    assert fitted([Foretold(total=1.0, score=0.5, escalated=True)] * 100) == (1.0, 0.0)
    tame = [Foretold(total=3.0 * (number % 2) - 1.5, score=0.5, escalated=number % 3 == 0) for number in range(300)]
    slope, offset = fitted(tame)
    assert 0 < slope < 0.2, "sums that say nothing are not believed"
    assert math.isclose(offset, math.log((1 / 3) / (2 / 3)), abs_tol=0.1)


@pytest.mark.parametrize("cases", [0, 24, 49, 50, 51, 74, 75, 99, 100, 511, 513, 526])
def test_the_scale_is_fitted_after_each_25_cases_and_stands_in_between(cases: int) -> None:
    """Past 500 cases as well, from where on the oldest forecasts are forgotten."""
    lessons = [lesson for lesson, _ in desk(cases, seed=5)]
    model, then = learned(None, lessons), learned(None, lessons[: cases - cases % 25])
    assert (model.slope, model.offset) == fitted(then.stream)
    assert ((model.slope, model.offset) != (1.0, 0.0)) is (cases >= 50)


def test_no_scale_is_fitted_to_a_few_forecasts() -> None:
    few = [Foretold(total=number % 3 - 1.0, score=0.5, escalated=number % 2 == 0) for number in range(50)]
    assert fitted(few[1:]) == (1.0, 0.0)
    assert fitted(few) != (1.0, 0.0)


# Sums that part all cases: without being held, the scale would grow without end.
@example([(2.0, True), (-2.0, False)] * 25)
@given(st.lists(st.tuples(st.floats(-4, 4), st.booleans()), min_size=50, max_size=80))
def test_no_scale_nearby_fits_better_and_it_is_held_to_leave_sums_as_they_are(told: list[tuple[float, bool]]) -> None:
    """What is least is the log loss of the forecasts and half the square of how far the scale is from none."""
    stream = [Foretold(total=total, score=0.5, escalated=escalated) for total, escalated in told]
    if len({escalated for _, escalated in told}) == 1:
        return

    def loss(slope: float, offset: float) -> float:
        odds = [(slope * each.total + offset) * (1 if each.escalated else -1) for each in stream]
        return sum(math.log1p(math.exp(-each)) for each in odds) + ((slope - 1) ** 2 + offset**2) / 2

    slope, offset = fitted(stream)
    for aside, up in ((0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)):
        # The flattest scale is where it ends, not where it fits best.
        assert slope + aside < 0.05 or slope == 0.05 or loss(slope, offset) <= loss(slope + aside, offset + up)


def test_a_forecast_that_was_certain_is_counted_among_the_highest() -> None:
    stream = [Foretold(total=30.0, score=1.0, escalated=True), Foretold(total=0.0, score=0.8, escalated=False)]
    (tier,) = calibration(stream)
    assert (tier.low, tier.high, tier.cases, tier.foretold, tier.came) == (0.8, 1.0, 2, 0.9, 0.5)


def test_the_more_was_learned_of_a_feature_the_smaller_is_its_next_step() -> None:
    lessons = [Lesson(features=("channel=chat",), escalated=number % 2 == 0) for number in range(200)]
    values = [learned(None, lessons[:count]).weights["channel=chat"].value for count in (1, 2, 199, 200)]
    assert abs(values[3] - values[2]) < abs(values[1] - values[0]) / 4


def test_features_are_remembered_up_to_a_bound_and_those_of_many_cases_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "MOST", 40)
    lessons = [Lesson(features=("channel=chat", f"tag=t{number}"), escalated=number % 2 == 0) for number in range(500)]
    model = learned(None, lessons)
    assert len(model.weights) <= 41
    assert model.weights["channel=chat"].cases == 500


# --- it is data ------------------------------------------------------------------------------------------------------
def spoiled(text: str) -> list[str]:
    made = json.loads(text)
    texts = [json.dumps({**made, key: value}) for key in made for value in (None, "x", [1], {"a": 1})]
    texts += [json.dumps({other: each for other, each in made.items() if other != key}) for key in made]
    return [*texts, text[:-9], "", "[]", "null", text.replace('"slope":', '"slope":NaN,"was":'), '{"format":2}']


def test_what_is_no_model_is_refused_and_nothing_else_happens() -> None:
    text = written(learned(None, [lesson for lesson, _ in desk(60)]))
    for each in spoiled(text):
        try:
            model = read(each)
        except ValueError:
            continue
        assert isinstance(model, RiskModel)
        assert written(model) != text, each


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_a_model_or_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        read(text)
