"""What nobody could carry out is recorded and told, whatever it is."""

import pytest

from shared.handlers.poison import poison
from tests.scenarios.stage import MINUTE, Story, dev


@pytest.mark.parametrize("text", ["", "not json", "[1, 2]", '"text"', "null", "{}", '{"cluster": 7}', "\x00" * 9000])
def test_any_text_is_recorded_and_told(text):
    with Story(dev("web")) as story:
        poison(story.app, text)
        records = story.history(None, "poisoned")
        assert len(records) == 1
        assert len(records[0].body.get("message", "")) <= 500
        story.later(5 * MINUTE)
        assert len(story.told("set aside")) == 1


def test_the_message_of_a_known_cluster_is_told_to_its_people():
    with Story(dev("web")) as story:
        poison(
            story.app, f'{{"cluster": "{story.id_of("web")}", "id": "1", "action": "stop_cluster", "rule": "night"}}'
        )
        story.later(5 * MINUTE)
        [told] = story.told("web", "set aside")
        assert "stop_cluster (night)" in told
