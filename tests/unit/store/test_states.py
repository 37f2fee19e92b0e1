from __future__ import annotations

import pytest

from nevus.store.registry.states import COMMANDS, TRANSITIONS, Move, State, TransitionError, after
from nevus.store.tables import STATES


def test_the_table_of_states_is_the_one_in_the_database():
    assert set(STATES) == {state.value for state in State} == {state.value for state in TRANSITIONS}


def test_only_an_approved_version_a_challenger_or_a_former_champion_comes_into_production():
    ways = {(state, move) for state, moves in TRANSITIONS.items() for move, to in moves.items() if to is State.CHAMPION}
    assert ways == {
        (State.APPROVED, Move.PROMOTE),
        (State.CHALLENGER, Move.PROMOTE),
        (State.RETIRED, Move.RESTORE),
        (State.APPROVED, Move.RESTORE),
        (State.CHALLENGER, Move.RESTORE),
    }


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("move", Move)
def test_a_move_is_in_the_table_or_refused_with_what_is_possible(state, move):
    if move in TRANSITIONS[state]:
        assert after(state, move, ref="m/1") is TRANSITIONS[state][move]
        return
    with pytest.raises(TransitionError) as caught:
        after(state, move, ref="m/1")
    message = str(caught.value)
    assert message.startswith(f"m/1 is in state {state.value}, ")
    for possible in set(TRANSITIONS[state]) & set(COMMANDS):
        assert possible.value in message
    assert "`nevus models " in message
