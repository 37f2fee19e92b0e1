"""A test of two models on the same cases that may be looked at after every case, and stopped at any look.

Of the cases that exactly one of the two gets right, the better one wins more than half. Betting against "half or fewer"
with all stakes at once, in equal parts on each share q between a half and one, multiplies a capital of 1 to

    e(w, l) = integral over q in (1/2, 1) of 2 q^w (1 - q)^l 2^(w + l) dq
            = 2^(w + l + 1) B(w + 1, l + 1) P(Binomial(w + l + 1, 1/2) <= w)

after w wins and l losses. If the bet is wrong, e is a non-negative supermartingale that starts at 1, so that the chance
of its ever reaching 1/a is at most a, however often one looks (Ville's inequality). The mixture is that of Robbins
(Statistical methods related to the law of the iterated logarithm, Ann. Math. Stat. 41, 1970); betting and e-values as
in Ramdas, Gruenwald, Vovk and Shafer (Game-theoretic statistics and safe anytime-valid inference, Stat. Sci. 38, 2023).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Duel:
    """The cases that exactly one of two got right, in the order in which their truth became known.

    better, worse: the highest capital that the bet on, or against, the challenger has had so far (e-values, at least
    1): what counts for a decision, at whichever look it is taken.
    """

    wins: int
    losses: int
    better: float
    worse: float

    @property
    def p_value(self) -> float:
        """Always-valid and two-sided, 0..1: of a difference as large, whatever the number of looks."""
        return min(1.0, 2 / max(self.better, self.worse))


def duel(outcomes: Iterable[bool]) -> Duel:
    """Bet on both directions at once.

    Args:
        outcomes: of each case that exactly one got right, whether it was the challenger. Cases must not depend on one
            another: one a patient.
    """
    wins = losses = 0
    better = worse = 0.0
    for won in outcomes:
        wins, losses = wins + won, losses + (not won)
        better = max(better, log_capital(wins, losses))
        worse = max(worse, log_capital(losses, wins))
    return Duel(wins, losses, _exp(better), _exp(worse))


def log_capital(wins: int, losses: int) -> float:
    """ln e(wins, losses), as above."""
    n = wins + losses
    log_beta = math.lgamma(wins + 1) + math.lgamma(losses + 1) - math.lgamma(n + 2)
    return (n + 1) * math.log(2) + log_beta + _log_at_most(wins, n + 1)


def _log_at_most(successes: int, n: int) -> float:
    """ln P(Binomial(n, 1/2) <= successes), for 0 <= successes < n."""
    if 2 * successes >= n:  # most of the sum: subtract the small rest
        return math.log1p(-math.exp(_log_at_most(n - successes - 1, n)))
    # The largest term, times 1 + k / (n - k + 1) (1 + (k - 1) / (n - k + 2) (...)), cut off where nothing more comes.
    total = term = 1.0
    for k in range(successes, 0, -1):
        term *= k / (n - k + 1)
        total += term
        if term < 1e-17 * total:
            break
    top = math.lgamma(n + 1) - math.lgamma(successes + 1) - math.lgamma(n - successes + 1) - n * math.log(2)
    return top + math.log(total)


def _exp(logarithm: float) -> float:
    return math.exp(min(logarithm, 700.0))
