"""The states of a model version, and the moves between them: all of them, in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from nevus.errors import InputError


class State(StrEnum):
    """Where a version stands on its way from the gate to production."""

    CANDIDATE = "candidate"
    """It passed the gate and waits for a person or a policy."""
    REJECTED = "rejected"
    """It did not pass the gate."""
    APPROVED = "approved"
    CHAMPION = "champion"
    """The one in production; at most one of a name."""
    CHALLENGER = "challenger"
    """It runs beside the champion for comparison; at most one of a name."""
    RETIRED = "retired"


class Move(StrEnum):
    """What can be done to a version."""

    APPROVE = "approve"
    PROMOTE = "promote"
    CHALLENGE = "challenger"
    RETIRE = "retire"
    ROLL_BACK = "rollback"
    # These are consequences, not commands:
    PASS_GATE = "pass_gate"  # noqa: S105
    FAIL_GATE = "fail_gate"
    REPLACE = "replace"
    STAND_DOWN = "stand_down"
    RESTORE = "restore"


COMMANDS = (Move.APPROVE, Move.PROMOTE, Move.CHALLENGE, Move.RETIRE, Move.ROLL_BACK)
"""The moves that a person can ask for, each a sub-command of `nevus models`."""

TRANSITIONS: Mapping[State, Mapping[Move, State]] = {
    State.CANDIDATE: {
        Move.APPROVE: State.APPROVED,
        Move.RETIRE: State.RETIRED,
        Move.FAIL_GATE: State.REJECTED,  # judged again, by another policy
    },
    State.REJECTED: {
        Move.APPROVE: State.APPROVED,  # with an override only
        Move.RETIRE: State.RETIRED,
        Move.PASS_GATE: State.CANDIDATE,
    },
    State.APPROVED: {
        Move.PROMOTE: State.CHAMPION,
        Move.CHALLENGE: State.CHALLENGER,
        Move.RETIRE: State.RETIRED,
        Move.RESTORE: State.CHAMPION,
    },
    State.CHALLENGER: {
        Move.PROMOTE: State.CHAMPION,
        Move.RETIRE: State.RETIRED,
        Move.STAND_DOWN: State.APPROVED,  # another one became challenger
        Move.RESTORE: State.CHAMPION,
    },
    State.CHAMPION: {
        Move.ROLL_BACK: State.RETIRED,
        Move.REPLACE: State.RETIRED,
        Move.RETIRE: State.RETIRED,
    },
    State.RETIRED: {
        Move.APPROVE: State.APPROVED,
        Move.RESTORE: State.CHAMPION,  # by rollback, a former champion
        Move.RETIRE: State.RETIRED,  # a former champion, so that rollback passes it over
    },
}


class TransitionError(InputError):
    """The version's state doesn't allow what was asked.

    Attributes:
        said: what isn't possible and what is; as text the error has the command too, for who has a command line.
        reasons: the gate's, for a version that it rejected.
    """

    def __init__(self, said: str, reasons: Sequence[str] = (), *, command: str | None = None) -> None:
        super().__init__(f"{said} For instance: `{command}`." if command else said)
        self.said, self.reasons = said, tuple(reasons)


def after(state: State, move: Move, *, ref: str, reasons: Sequence[str] = ()) -> State:
    """The state that `move` leads to.

    Args:
        state: the present one.
        move: what is asked.
        ref: of the version, for the message.
        reasons: why the gate has rejected it, if it has.

    Raises:
        TransitionError: the move isn't allowed from this state; the message names those that are.
    """
    target = TRANSITIONS[state].get(move)
    if target is None:
        rejected = reasons if state is State.REJECTED else ()
        why = f" It did not pass the gate ({'; '.join(rejected)})." if rejected else ""
        possible = [other for other in COMMANDS if other in TRANSITIONS[state]]
        raise TransitionError(
            f"{ref} is in state {state}, and {move} is not possible from there.{why} Possible now: "
            f"{', '.join(possible)}.",
            rejected,
            command=_example(possible[0], ref),
        )
    return target


def _example(move: Move, ref: str) -> str:
    match move:
        case Move.APPROVE:
            return f"nevus models approve {ref} --by NAME --note TEXT"
        case Move.ROLL_BACK:
            return f"nevus models rollback {ref.partition('/')[0]}"
        case _:
            return f"nevus models {move} {ref}"
