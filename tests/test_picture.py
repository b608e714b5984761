"""The picture of the rooms is today's, and the rooms stand above each other without a circle."""

import pytest

from tests.picture import PICTURE, arrows, graph, levels, picture


def test_the_committed_picture_is_todays() -> None:
    assert PICTURE.read_text("utf-8") == picture(graph()), "run python -m tests.picture"


def test_no_rooms_import_each_other_in_a_circle() -> None:
    heights = levels(graph())
    assert all(heights[name] > heights[below] for name, rooms in graph().items() for below in rooms)
    with pytest.raises(ValueError, match="a -> b -> a"):
        levels({"a": frozenset("b"), "b": frozenset("a")})


def test_an_arrow_that_others_imply_is_left_out() -> None:
    rooms = {"a": frozenset("bc"), "b": frozenset("c"), "c": frozenset[str]()}
    assert arrows(rooms) == [("a", "b"), ("b", "c")]
