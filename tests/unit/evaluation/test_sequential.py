from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special

from nevus.evaluation.sequential import duel, log_capital

ALPHA = 0.05
CASES = 300


@pytest.fixture(scope="module")
def capital() -> np.ndarray:
    """ln e by [wins, losses]."""
    return np.array([[log_capital(w, n) for n in range(CASES + 1)] for w in range(CASES + 1)])


def share_decided(capital: np.ndarray, share_won: float, *, runs: int, cases: int, seed: int) -> tuple[float, float]:
    """How many runs say better, and worse, at any of their looks: one after every case."""
    won = np.random.default_rng(seed).random((runs, cases)) < share_won
    wins, losses = won.cumsum(1), (~won).cumsum(1)
    limit = math.log(2 / ALPHA)
    return (
        float((capital[wins, losses] >= limit).any(1).mean()),
        float((capital[losses, wins] >= limit).any(1).mean()),
    )


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (0, 1), (7, 2), (2, 7), (40, 41), (150, 90)])
def test_the_capital_is_the_integral_over_all_stakes(wins: int, losses: int) -> None:
    expected, _ = integrate.quad(
        lambda q: 2 * math.exp(wins * math.log(2 * q) + losses * math.log(2 * (1 - q))) if q < 1 else 0.0, 0.5, 1
    )
    assert math.exp(log_capital(wins, losses)) == pytest.approx(expected, rel=1e-6)


def test_four_wins_in_a_row_are_worth_what_can_be_computed_by_hand() -> None:
    # 2^4 * 2 * (1 - 2^-5) / 5
    assert duel([True] * 4).better == pytest.approx(16 * 2 * (1 - 1 / 32) / 5)
    assert duel([]).better == duel([]).worse == duel([]).p_value == 1


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_fair_next_case_changes_the_capital_by_nothing_or_less_on_average(wins: int, losses: int) -> None:
    now = math.exp(log_capital(wins, losses))
    then = (math.exp(log_capital(wins + 1, losses)) + math.exp(log_capital(wins, losses + 1))) / 2
    assert then == pytest.approx(now, rel=1e-9)


def test_two_equal_models_are_told_apart_in_at_most_five_of_a_hundred_runs_though_every_case_is_looked_at(
    capital: np.ndarray,
) -> None:
    better, worse = share_decided(capital, 0.5, runs=3000, cases=CASES, seed=1)
    assert 0.002 < better + worse <= ALPHA
    # a fixed-size test at the same level, looked at as often, is wrong far more often
    won = np.random.default_rng(1).random((3000, CASES)) < 0.5
    n = np.arange(1, CASES + 1)
    z = np.abs(2 * won.cumsum(1) - n) / np.sqrt(n)
    assert (z[:, 9:] > 1.96).any(1).mean() > 3 * ALPHA


def decided_exactly(share_won: float, cases: int) -> tuple[float, float]:
    """The chances of better, and of worse, at any look: summed over all ways, with e from SciPy's beta functions."""
    wins, losses = np.meshgrid(np.arange(cases + 1), np.arange(cases + 1), indexing="ij")

    def passes(won: np.ndarray, lost: np.ndarray) -> np.ndarray:
        tail = special.betaincc(won + 1, lost + 1, 0.5)
        with np.errstate(divide="ignore"):
            log_e = (won + lost + 1) * math.log(2) + special.betaln(won + 1, lost + 1) + np.log(tail)
        return log_e >= math.log(2 / ALPHA)

    better, worse = passes(wins, losses), passes(losses, wins)
    undecided = np.array([1.0])  # by wins so far
    decided = [0.0, 0.0]
    for n in range(1, cases + 1):
        now = np.append(undecided * (1 - share_won), 0) + np.append(0, undecided * share_won)
        at = np.arange(n + 1)
        for number, where in enumerate((better[at, n - at], worse[at, n - at])):
            decided[number] += float(now[where].sum())
            now = np.where(where, 0.0, now)
        undecided = now
    return decided[0], decided[1]


@pytest.mark.parametrize("share_won", [0.4, 0.5, 0.6, 2 / 3])
def test_decisions_are_as_frequent_as_all_ways_together_say(capital: np.ndarray, share_won: float) -> None:
    runs = 3000
    found = share_decided(capital, share_won, runs=runs, cases=CASES, seed=4)
    for share, chance in zip(found, decided_exactly(share_won, CASES), strict=True):
        assert share == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / runs) + 1e-3)


def test_a_worse_challenger_is_hardly_ever_called_better(capital: np.ndarray) -> None:
    better, _ = share_decided(capital, 0.4, runs=2000, cases=CASES, seed=2)
    assert better <= ALPHA / 2
    assert decided_exactly(0.4, 420)[1] > 0.8  # by how many cases a loser of three in five is found


def test_a_challenger_that_wins_two_of_three_is_found_within_two_hundred_cases(capital: np.ndarray) -> None:
    better, worse = share_decided(capital, 2 / 3, runs=2000, cases=200, seed=3)
    assert better > 0.9
    assert worse < 0.01


def test_what_was_decided_once_stays_decided() -> None:
    found = duel([True] * 12 + [False] * 12)
    assert found.better > 2 / ALPHA
    assert found.p_value < ALPHA
    assert math.exp(log_capital(12, 12)) < 1


def test_a_hundred_thousand_cases_neither_overflow_nor_take_long() -> None:
    assert log_capital(60_000, 40_000) > 1000
    assert -20 < log_capital(40_000, 60_000) < 0
    assert duel([True] * 3000).p_value == pytest.approx(0, abs=1e-300)
