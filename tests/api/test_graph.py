"""`pyflow.TopologicalSorter` does what `graphlib` does; `pyflow.Graph` drains numbered nodes."""

import ctypes
import gc
import graphlib
import os
import subprocess
import sys
import threading
import types
import weakref
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyflow
from pyflow.errors import GraphInvalid, PyflowError

# Both sorters through the same calls.


class Collider:
    """Hashes like many others, and equals only those of its own value."""

    def __init__(self, value):
        self.value = value

    def __hash__(self):
        return 1

    def __eq__(self, other):
        if self.value == "broken" or getattr(other, "value", None) == "broken":
            msg = "cannot compare"
            raise RuntimeError(msg)
        return isinstance(other, Collider) and self.value == other.value

    def __repr__(self):
        return f"Collider({self.value!r})"


NODES = [
    *[0, 1, 2, 3, -1, -2, 1.0, True, False, 2**61 - 1, -(2**61 - 1), 2**61, 2**64, 2**64 + 1.0],
    *["", "a", "b", "1", b"a", None, (1, "a"), (1.0, "a"), frozenset({1}), float("inf")],
    *[Collider(1), Collider(1), Collider(2), Collider("broken")],
]
nodes = st.one_of(st.sampled_from(NODES), st.integers(-5, 5), st.builds(list))
calls = st.one_of(
    st.tuples(st.just("add"), st.lists(nodes, min_size=1, max_size=4)),
    st.tuples(st.just("done"), st.lists(nodes, max_size=3)),
    st.tuples(st.sampled_from(["prepare", "get_ready", "is_active", "static_order"]), st.just([])),
)


def shown(value):
    """Tell equal nodes apart: 1 from 1.0, and a node from its twin."""
    if isinstance(value, tuple | list):
        return [shown(each) for each in value]
    return type(value), repr(value), id(value) if isinstance(value, Collider) else None


def outcome(sorter, call, arguments):
    try:
        value = getattr(sorter, call)(*arguments)
        return shown(list(value) if call == "static_order" else value)
    except (TypeError, ValueError, RuntimeError) as error:
        return type(error), shown(list(error.args))


@given(st.lists(calls, max_size=30))
def test_any_calls_have_the_outcome_of_graphlib(sequence):
    ours, theirs = pyflow.TopologicalSorter(), graphlib.TopologicalSorter()

    for call, arguments in sequence:
        assert outcome(ours, call, arguments) == outcome(theirs, call, arguments)


edges = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40)


@given(edges, st.randoms(use_true_random=False))
def test_a_drain_in_any_order_goes_as_with_graphlib(pairs, chance):
    ours, theirs = pyflow.TopologicalSorter(), graphlib.TopologicalSorter()
    for source, target in pairs:
        ours.add(target, source)
        theirs.add(target, source)
    prepared = outcome(ours, "prepare", ()), outcome(theirs, "prepare", ())
    out = []

    assert prepared[0] == prepared[1]
    while theirs.is_active():
        ready = ours.get_ready()
        assert ready == theirs.get_ready()
        out += ready
        node = out.pop(chance.randrange(len(out)))
        ours.done(node)
        theirs.done(node)
        assert bool(ours) == theirs.is_active()


def test_a_mapping_is_taken_as_by_graphlib():
    class Items:
        def items(self):
            yield "b", iter("a")
            yield "c", {"a": 1, "b": 2}

    assert list(pyflow.TopologicalSorter(Items()).static_order()) == ["a", "b", "c"]
    assert list(pyflow.TopologicalSorter(graph={1: [0]}).static_order()) == [0, 1]
    assert list(pyflow.TopologicalSorter(None).static_order()) == []


def test_the_cycle_is_raised_as_the_error_of_graphlib():
    sorter = pyflow.TopologicalSorter({"b": "a", "a": "b", "free": ()})

    with pytest.raises(graphlib.CycleError) as caught:
        sorter.prepare()

    assert caught.value.args == ("nodes are in a cycle", ["b", "a", "b"])
    assert sorter.get_ready() == ("free",)


def test_a_subclass_may_replace_any_method():
    class Doubled(pyflow.TopologicalSorter):
        def __init__(self, pairs, *, label):
            super().__init__(dict(pairs))
            self.label = label

        def add(self, node, *predecessors):
            super().add(node * 2, *(each * 2 for each in predecessors))

    sorter = Doubled([(2, [1])], label="twice")

    assert list(sorter.static_order()) == [2, 4]
    assert sorter.label == "twice"


def test_it_is_generic_like_that_of_graphlib():
    alias = pyflow.TopologicalSorter[str]

    assert isinstance(alias, types.GenericAlias)
    assert alias.__origin__ is pyflow.TopologicalSorter
    assert list(alias({"b": ["a"]}).static_order()) == ["a", "b"]


def test_a_node_may_call_the_sorter_while_it_is_compared():
    sorter = pyflow.TopologicalSorter()

    class Meddler(Collider):
        def __eq__(self, other):
            if meddling:
                names.append(f"added while comparing {len(names)}")
                sorter.add(names[-1])
            return super().__eq__(other)

        __hash__ = Collider.__hash__

    names, meddling = [], True
    sorter.add(Meddler(1), Collider(2), Collider(3))
    sorter.add(Collider(3), Meddler(4))
    meddling = False

    assert names
    assert len(list(sorter.static_order())) == 4 + len(names)


def test_a_node_that_prepares_the_sorter_while_it_is_hashed_is_not_added():
    class Closer:
        def __hash__(self):
            sorter.prepare()
            return 1

    sorter = pyflow.TopologicalSorter()

    with pytest.raises(ValueError, match="Nodes cannot be added after a call to prepare"):
        sorter.add("a", Closer())

    assert sorter.get_ready() == ("a",)


def test_threads_may_finish_nodes_at_once():
    nodes = [Collider(value) for value in range(40)]
    sorter = pyflow.TopologicalSorter({"last": nodes})
    sorter.prepare()
    ready = sorter.get_ready()

    threads = [threading.Thread(target=sorter.done, args=ready[part::4]) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorter.get_ready() == ("last",)


def test_a_sorter_in_a_reference_cycle_is_collected():
    class Node:
        pass

    node = Node()
    node.sorter = pyflow.TopologicalSorter({node: [1]})
    gone = weakref.ref(node)

    del node
    gc.collect()

    assert gone() is None


def test_the_order_does_not_depend_on_the_hash_seed():
    script = (
        "import pyflow\n"
        "names = [f'task {k}' for k in range(50)]\n"
        "pairs = {name: names[k + 1 : k + 4] for k, name in enumerate(names)}\n"
        "print(list(pyflow.TopologicalSorter(pairs).static_order()))\n"
    )

    orders = [run_python(script, PYTHONHASHSEED=seed) for seed in ("1", "20")]

    assert orders[0] == orders[1]
    assert orders[0].startswith("['task 49', 'task 48'")


def run_python(script, **environment):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Numbered nodes in buffers.


def numbers(*values, code="I"):
    return array(code, values)


def drained(graph):
    batches = []
    while graph:
        ready = graph.ready()
        batches.append(list(ready))
        graph.done(ready)
    return batches


def sorter_of(node_count, pairs):
    sorter = graphlib.TopologicalSorter({node: [] for node in range(node_count)})
    for source, target in pairs:
        sorter.add(target, source)
    return sorter


def graph_of(node_count, pairs):
    sources, targets = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return pyflow.Graph.from_edges(node_count, numbers(*sources), numbers(*targets))


@given(edges)
def test_a_cycle_is_refused_as_by_graphlib(pairs):
    prepared = outcome(sorter_of(13, pairs), "prepare", ())

    if prepared[0] is graphlib.CycleError:
        with pytest.raises(graphlib.CycleError) as caught:
            graph_of(13, pairs)
        assert shown(caught.value.args) == prepared[1]
    else:
        assert graph_of(13, pairs).edge_count == len(pairs)


@given(edges)
def test_a_graph_goes_as_graphlib_does(pairs):
    names = [(7 * node) % 13 for node in range(13)]
    rising = [(names[source], names[target]) for source, target in pairs if source < target]
    theirs = sorter_of(13, rising)
    theirs.prepare()

    graph = graph_of(13, rising)

    order = list(graph.static_order())
    for batch in drained(graph):
        assert batch == list(theirs.get_ready())
        assert batch == order[: len(batch)]
        theirs.done(*batch)
        del order[: len(batch)]
    assert order == []
    assert graph.done_count == graph.node_count == 13


@pytest.mark.parametrize("code", ["i", "I", "l", "L", "q", "Q"])
def test_integers_of_32_and_64_bits_are_taken(code):
    graph = pyflow.Graph.from_edges(4, numbers(0, 1, 1, code=code), numbers(1, 2, 3))

    assert drained(graph) == [[0], [1], [2, 3]]


@pytest.mark.parametrize(
    "wrap",
    [
        memoryview,
        lambda ids: memoryview(bytes(ids)).cast("I"),
        lambda ids: memoryview(b"\0" + bytes(ids))[1:].cast("I"),
        lambda ids: memoryview(bytearray(ids)).cast("i"),
        lambda ids: (ctypes.c_uint32 * len(ids))(*ids),
        lambda ids: pytest.importorskip("numpy").array(ids, dtype="int64"),
        lambda ids: pytest.importorskip("numpy").array(ids, dtype="uint32"),
    ],
)
def test_any_contiguous_buffer_is_taken(wrap):
    graph = pyflow.Graph.from_edges(3, wrap(numbers(0, 1)), wrap(numbers(1, 2)))

    graph.ready()
    graph.done(wrap(numbers(0)))

    assert list(graph.ready()) == [1]


def test_ready_gives_a_view_of_unsigned_32_bit_numbers():
    graph = pyflow.Graph.from_edges(3, numbers(0, 1), numbers(2, 2))

    ready = graph.ready()

    assert (ready.format, ready.itemsize, ready.readonly) == ("I", 4, True)
    assert ready == numbers(0, 1)
    assert len(graph.ready()) == 0


def test_a_batch_may_come_back_in_parts():
    graph = pyflow.Graph.from_edges(3, numbers(0, 1), numbers(2, 2))
    ready = graph.ready()

    graph.done(ready[1:])
    assert len(graph.ready()) == 0
    assert graph.is_active()
    graph.done(ready[:1])

    assert graph.done_count == 2
    assert list(graph.ready()) == [2]


NONE = numbers()


@pytest.mark.parametrize(
    ("arguments", "argument", "position", "found"),
    [
        ((-1, NONE, NONE), "node_count", None, "-1"),
        ((2**26 + 1, NONE, NONE), "node_count", None, "67108865"),
        ((2**63 - 1, NONE, NONE), "node_count", None, "9223372036854775807"),
        ((2**80, NONE, NONE), "node_count", None, "a number of more than 64 bits"),
        ((3, numbers(0), NONE), "targets", None, "0"),
        ((3, numbers(0, 3), numbers(1, 1)), "sources", 1, "3"),
        ((3, numbers(0, 1), numbers(1, 2**32 - 1)), "targets", 1, "4294967295"),
        ((3, numbers(-1, code="i"), numbers(1)), "sources", 0, "-1"),
        ((3, numbers(0), numbers(-5, code="q")), "targets", 0, "-5"),
        ((3, numbers(0), numbers(2**63, code="Q")), "targets", 0, "9223372036854775808"),
        ((0, numbers(0), numbers(0)), "sources", 0, "0"),
        ((3, numbers(0.0, code="d"), numbers(1)), "sources", None, 'items of format "d"'),
        ((3, numbers(0, code="H"), numbers(1)), "sources", None, 'items of format "H"'),
        ((3, b"\0\0\0\0", numbers(1)), "sources", None, 'items of format "B"'),
        (
            (3, numbers(0), (ctypes.c_uint32.__ctype_be__ * 1)()),
            "targets",
            None,
            'items of format ">I"',
        ),
        (
            (3, memoryview(numbers(0, 0, 1))[::2], numbers(1, 2)),
            "sources",
            None,
            "items that do not lie side by side",
        ),
        (
            (3, memoryview(bytes(16)).cast("I", [2, 2]), numbers(1)),
            "sources",
            None,
            "a buffer of 2 dimensions",
        ),
    ],
)
def test_edges_that_cannot_be_taken_are_named(arguments, argument, position, found):
    with pytest.raises(GraphInvalid) as caught:
        pyflow.Graph.from_edges(*arguments)

    error = caught.value
    assert (error.argument, error.position, error.found) == (argument, position, found)
    assert error.wanted in str(error)
    assert isinstance(error, ValueError)
    assert isinstance(error, PyflowError)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((1.5, NONE, NONE), "integer"),
        (("3", NONE, NONE), "integer"),
        ((3, [0], NONE), "sources: wanted a buffer of 32-bit or 64-bit integers, .* found list"),
        ((3, NONE, None), "targets: wanted a buffer of 32-bit or 64-bit integers, .* NoneType"),
    ],
)
def test_what_is_no_number_or_no_buffer_is_a_type_error(arguments, text):
    with pytest.raises(TypeError, match=text):
        pyflow.Graph.from_edges(*arguments)


@pytest.mark.parametrize(
    ("batch", "position", "found"),
    [
        (numbers(0, 0), 1, "0, which is done already or twice in this batch"),
        (numbers(0, 2), 1, "2, which it has not given yet"),
        (numbers(1, 0, 9), 2, "9"),
        (numbers(-1, code="i"), 0, "-1"),
    ],
)
def test_a_batch_with_a_wrong_node_changes_nothing(batch, position, found):
    graph = pyflow.Graph.from_edges(3, numbers(0, 1), numbers(2, 2))
    ready = graph.ready()

    with pytest.raises(GraphInvalid) as caught:
        graph.done(batch)

    error = caught.value
    assert (error.argument, error.position, error.found) == ("nodes", position, found)
    assert graph.done_count == 0
    graph.done(ready)
    assert list(graph.ready()) == [2]


def test_a_node_is_not_done_before_it_is_handed_out_or_twice():
    graph = pyflow.Graph.from_edges(1, NONE, NONE)

    with pytest.raises(GraphInvalid, match=r"nodes\[0\]: wanted a node that ready\(\) gave"):
        graph.done(numbers(0))
    graph.done(graph.ready())
    with pytest.raises(GraphInvalid, match=r"wanted each node once; .*\(PF1010\)"):
        graph.done(numbers(0))
    with pytest.raises(TypeError, match="nodes: wanted a buffer"):
        graph.done([0])


def test_an_empty_graph_is_done():
    graph = pyflow.Graph.from_edges(0, NONE, NONE)

    assert not graph
    assert len(graph.ready()) == len(graph.static_order()) == 0


def test_a_graph_holds_eight_bytes_a_node_and_four_an_edge_and_four_for_the_order():
    chain = pyflow.Graph.from_edges(1000, array("I", range(999)), array("I", range(1, 1000)))
    empty = pyflow.Graph.from_edges(0, NONE, NONE)

    assert sys.getsizeof(chain) - sys.getsizeof(empty) == 1000 * 12 + 999 * 4


def test_a_graph_says_how_far_it_is():
    graph = pyflow.Graph.from_edges(2, numbers(0), numbers(1))
    graph.done(graph.ready())

    assert repr(graph) == "<Graph of 2 nodes and 1 edges, 1 done>"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on address space")
def test_a_graph_that_does_not_fit_is_a_memory_error():
    script = (
        "import array, resource, pyflow\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + 2**27, size + 2**27))\n"
        "try:\n"
        "    pyflow.Graph.from_edges(2**26, array.array('I'), array.array('I'))\n"
        "except MemoryError as error:\n"
        "    print(error)\n"
    )

    assert run_python(script) == "there is not enough memory for the graph\n"
