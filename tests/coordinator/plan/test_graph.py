"""`otter graph`: the pictures of a step, as others read them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pydot
import pytest

from otter.plan.dot import dot
from otter.plan.graph import Edge, Graph, Node
from otter.plan.mermaid import mermaid
from otter.plan.svg import svg
from tests.coordinator.plan.conftest import Otter

TEXT = """\
[[steps.fetch]]
name = "copy targets"
source = "a"
destination = "b"
[[steps.fetch]]
name = "explode species"
requires = ["copy targets"]
foreach = ["man", "mouse"]
[[steps.fetch.do]]
name = "explode ${each} files"
foreach = [1, 2, 3]
each_placeholder = "number"
[[steps.fetch.do.do]]
name = "note ${each} ${number}"
[[steps.fetch]]
name = "explode_glob files"
glob = "*.tsv"
[[steps.fetch.do]]
name = "note file ${match_stem}"
[[steps.fetch]]
name = "note all"
requires = ["explode species", "note file seven", "note mouse 2"]
"""

MERMAID = """\
flowchart LR
    n0["copy targets"]
    n1{{"explode species"}}
    n2{{"explode_glob files"}}
    n3["note all"]
    n4{{"explode #36;#123;each#125; files"}}
    n5[["note file #36;#123;match_stem#125;"]]
    n6[["note #36;#123;each#125; #36;#123;number#125;"]]
    n0 --> n1
    n1 --> n3
    n5 --> n3
    n6 --> n3
    n1 -. 2 .-> n4
    n2 -. any number .-> n5
    n4 -. 6 .-> n6
    classDef generator stroke-width:2px
    class n1,n2 generator
    classDef template stroke-dasharray:4 3
    class n4,n5,n6 template
"""

READS_DOT = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""pydot calls its parser by names of yesterday."""

HOSTILE = [
    'copy "quoted" <script>alert(1)</script> ${each}',
    "copy [a]{b}|c|(d) %%{init}%% `code`",
    "copy \\n \\N & ; --> \u202eright to left \x1b[31m",
    "copy " + "very long " * 20,
    "copy 中文",
]


def hostile() -> Graph:
    """A graph whose names try to be more than text, with a loop."""
    nodes = tuple(Node(label, "copy", "task", False, 1, None) for label in HOSTILE)
    return Graph(nodes, (*(Edge(0, place, "requires") for place in range(1, len(nodes))), Edge(1, 1, "requires")))


def parsed(text: str) -> pydot.Dot:
    """A text in DOT as another reader understands it."""
    graphs = pydot.graph_from_dot_data(text)
    assert graphs is not None, text
    return graphs[0]


def test_mermaid(otter: Otter) -> None:
    """Tasks of the file, generators, and each template once with the number of tasks that it stands for."""
    assert (0, MERMAID) == otter("graph", TEXT)


@READS_DOT
def test_dot(otter: Otter) -> None:
    """Another reader of DOT finds the same boxes and arrows; generators and their templates stand in frames."""
    code, output = otter("graph", TEXT, "--format", "dot")
    assert 0 == code
    graph = parsed(output)
    edges = {(edge.get_source(), edge.get_destination(), edge.get("label")) for edge in graph.get_edges()}
    assert edges == {
        ("n0", "n1", None), ("n1", "n3", None), ("n5", "n3", None), ("n6", "n3", None),
        ("n1", "n4", '"2"'), ("n2", "n5", '"any number"'), ("n4", "n6", '"6"'),
    }  # fmt: skip
    frames = {frame.get_name(): frame for frame in graph.get_subgraphs()}
    assert {"cluster_1", "cluster_2"} == set(frames)
    assert ["cluster_4"] == [frame.get_name() for frame in frames["cluster_1"].get_subgraphs()]
    (outer,) = (node for node in frames["cluster_1"].get_nodes() if node.get_name() == "n1")
    assert '"explode species"' == outer.get("label")


def test_svg(otter: Otter, tmp_path: Path) -> None:
    """The name of the output says what it is to be. Every box has its full name, and its number of tasks."""
    assert (0, "") == otter("graph", TEXT, "-o", "step.svg")
    root = ET.parse(tmp_path / "step.svg").getroot()
    space = {"s": "http://www.w3.org/2000/svg"}
    assert "step fetch of pipeline.toml" == root.findtext("s:title", namespaces=space)
    names = [group.findtext("s:title", namespaces=space) for group in root.findall("s:g", space)]
    assert [
        "copy targets", "explode species", "explode_glob files", "note all", "explode ${each} files (\u00d72 tasks)",
        "note file ${match_stem} (\u00d7? tasks)", "note ${each} ${number} (\u00d76 tasks)",
    ] == names  # fmt: skip
    assert 7 == len([path for path in root.findall("s:path", space) if path.get("marker-end")])
    assert not [element for element in root.iter() if element.tag.endswith(("script", "image", "use"))]


@READS_DOT
def test_hostile_names_stay_text() -> None:
    """In each format a name is a text and nothing else."""
    graph = hostile()
    labels = [line for line in mermaid(graph).splitlines() if "[" in line]
    assert len(HOSTILE) == len(labels)
    assert not any(set("<>`${}|%;\\") & set(line.replace(";", "", line.count("#"))) for line in labels)
    drawn = {node.get_name(): str(node.get("label")) for node in parsed(dot(graph)).get_nodes()}
    assert '"copy \\"quoted\\" <script>alert(1)</script> ${each}"' == drawn["n0"]
    assert '"copy \\\\n \\\\N & ; --> \\\\u202eright to left \\\\x1b[31m"' == drawn["n2"]
    root = ET.fromstring(svg(graph))
    space = {"s": "http://www.w3.org/2000/svg"}
    titles = [group.findtext("s:title", namespaces=space) for group in root.findall("s:g", space)]
    assert HOSTILE[:2] == titles[:2]
    assert "copy \\n \\N & ; --> \\u202eright to left \\x1b[31m" == titles[2]
    assert not [element for element in root.iter() if element.tag.endswith("script")]


def test_a_picture_of_nothing() -> None:
    """A step without tasks has an empty picture, and not an error."""
    empty = Graph((), ())
    assert "flowchart LR\n" == mermaid(empty)
    assert ET.fromstring(svg(empty)) is not None


@pytest.mark.parametrize("name", ["step.mmd", "step.dot", "step.gv", "step.svg", "step.txt"])
def test_the_name_of_the_output_chooses(otter: Otter, tmp_path: Path, name: str) -> None:
    """Mermaid, where it says nothing."""
    otter("graph", TEXT, "-o", name)
    begins = {"dot": "digraph", "gv": "digraph", "svg": "<svg"}.get(name.partition(".")[2], "flowchart")
    assert (tmp_path / name).read_text("utf-8").startswith(begins)


def test_what_is_wrong_is_said(otter: Otter) -> None:
    """Mistakes of the file as `otter check` shows them; an output that cannot be written."""
    code, output = otter("graph", TEXT.replace("copy targets", "cpy targets", 1))
    assert 22 == code
    assert "pipeline.toml:2:9: error" in output
    assert (22, "otter: error: . cannot be written: Is a directory\n") == otter("graph", TEXT, "-f", "dot", "-o", ".")
