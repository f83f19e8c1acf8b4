"""Every kind of action that can be claimed can also be written."""

import pytest

from shared.handlers.writing import WRITERS, write
from shared.model.actions import ACTIONS, Action
from shared.model.memory import Memory


def test_every_kind_of_action_has_a_writer():
    assert set(WRITERS) == set(ACTIONS)


def test_a_kind_that_nobody_registered_is_not_guessed_at():
    class Paint(Action):
        kind = "paint"

    with pytest.raises(ValueError, match="nobody knows how to do paint"):
        write(None, Paint("x"), Memory("x"))
