"""A picture as text for other programs: Mermaid and Graphviz."""

import json

from pyflow.cli.picture.boxes import Box, Picture
from pyflow.cli.picture.colours import FILLS, PLAIN


def write_mermaid(picture: Picture) -> str:
    """Write a picture as a Mermaid flowchart."""
    lines = [
        "---",
        f"title: {json.dumps(picture.title, ensure_ascii=False)}",
        "---",
        "flowchart TD",
    ]
    for number, box in enumerate(picture.boxes):
        state = f":::{box.state}" if box.state in FILLS else ""
        lines.append(f'    n{number}["{"<br/>".join(map(_mermaid_text, _texts(box)))}"]{state}')
    for line in picture.lines:
        arrow = "-.->" if line.is_handler else "-->"
        label = f'|"{_mermaid_text(line.label)}"|' if line.label else ""
        lines.append(f"    n{line.source} {arrow}{label} n{line.target}")
    used = {box.state for box in picture.boxes}
    lines += [
        f"    classDef {state} fill:{fill.inside},stroke:{fill.border}"
        for state, fill in FILLS.items()
        if state in used
    ]
    return "\n".join([*lines, ""])


def _mermaid_text(text: str) -> str:
    """Escape what Mermaid or HTML would read in a label, by number."""
    return "".join(f"#{ord(each)};" if each in '"#<>&;`\\' else each for each in text)


def write_dot(picture: Picture) -> str:
    """Write a picture as a Graphviz graph."""
    lines = [
        "digraph pyflow {",
        f"    label={_dot_text(picture.title)}; labelloc=t; fontname=sans;",
        '    node [shape=box, style="rounded,filled", fontname=sans, fontsize=11];',
        "    edge [fontname=sans, fontsize=9];",
    ]
    for number, box in enumerate(picture.boxes):
        fill = FILLS.get(box.state or "", PLAIN)
        text = _dot_text("\n".join(_texts(box)))
        lines.append(
            f'    n{number} [label={text}, fillcolor="{fill.inside}", color="{fill.border}"];'
        )
    for line in picture.lines:
        style = ", style=dashed" if line.is_handler else ""
        lines.append(
            f"    n{line.source} -> n{line.target} [label={_dot_text(line.label)}{style}];"
        )
    return "\n".join([*lines, "}", ""])


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _texts(box: Box) -> list[str]:
    return [each for each in (box.id, box.kind, box.note) if each]
