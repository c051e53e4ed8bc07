"""Lists as rows against a plain list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioviz.model.lists import EMPTY, Link, Queue, append, check, prepend, remove, walk

OPERATIONS = st.lists(st.tuples(st.sampled_from(["append", "prepend", "remove"]), st.integers(0, 5)), max_size=60)


@given(OPERATIONS)
def test_two_lists_that_share_their_links_behave_as_plain_ones(operations: list[tuple[str, int]]) -> None:
    queues, links = {1: EMPTY, 2: EMPTY}, dict[int, Link]()
    plain: dict[int, list[int]] = {1: [], 2: []}
    node = 0
    for operation, place in operations:
        queue = 1 + place % 2
        members = plain[queue]
        if operation == "remove":
            if not members:
                continue
            remove(queues, queue, links, members.pop(place % len(members)))
        else:
            node += 1
            if operation == "append":
                append(queues, queue, links, node)
                members.append(node)
            else:
                prepend(queues, queue, links, node)
                members.insert(0, node)
        for number, wanted in plain.items():
            assert list(walk(queues, number, links)) == wanted
            assert queues[number].count == len(wanted)
            assert check(queues, number, links) == ""
    assert len(links) == sum(map(len, plain.values()))


def three() -> tuple[dict[int, Queue], dict[int, Link]]:
    queues, links = {1: EMPTY}, dict[int, Link]()
    for node in (4, 5, 6):
        append(queues, 1, links, node)
    return queues, links


@pytest.mark.parametrize(
    ("node", "link"), [(4, Link(0, 6)), (5, Link(0, 6)), (5, Link(4, 4)), (6, Link(5, 4)), (6, Link(5, 99))]
)
def test_a_broken_list_is_noticed_and_walking_it_ends(node: int, link: Link) -> None:
    queues, links = three()
    links[node] = link
    assert check(queues, 1, links)
    links.setdefault(99, Link(6, 4))
    assert len(list(walk(queues, 1, links))) <= 3


def test_a_wrong_count_is_noticed() -> None:
    for row in (Queue(4, 6, 2), Queue(4, 6, 4), Queue(4, 5, 3), Queue(5, 6, 3)):
        queues, links = three()
        queues[1] = row
        assert check(queues, 1, links)


def test_a_list_that_is_none_is_empty() -> None:
    assert list(walk({}, 7, {})) == []
