"""Install this working tree into the environment that runs this script, editable.

maturin can do this too, but it hands PyO3 a configuration of its own, after which every cargo
command compiles PyO3 again. The extension is therefore built by plain cargo, and this makes the
rest of an editable install: a wheel with a path file, the metadata and the console scripts.
"""

import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def wheel_files(project: dict[str, object]) -> dict[str, str]:
    """Return the files of the wheel: path inside it, and text."""
    name = str(project["name"]).replace("-", "_")
    info = f"{name}-{project['version']}.dist-info"
    files = {
        f"{name}.pth": f"{ROOT}\n",
        f"{info}/METADATA": metadata(project),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": entry_points(project),
    }
    listed = [*files, f"{info}/RECORD"]
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in listed)
    return files


def entry_points(project: dict[str, object]) -> str:
    """Return the text that names the package's commands and what it plugs into others."""
    plugins = project["entry-points"]
    if not isinstance(plugins, dict):
        raise TypeError("pyproject.toml: [project.entry-points] is not a table")
    lines: list[str] = []
    for group, places in {"console_scripts": project["scripts"], **plugins}.items():
        lines += [f"[{group}]", *(f"{name} = {place}" for name, place in places.items()), ""]
    return "\n".join(lines)


def metadata(project: dict[str, object]) -> str:
    """Return the METADATA text: what `importlib.metadata` and `pip check` read."""
    needs = project["dependencies"]
    if not isinstance(needs, list):
        raise TypeError("pyproject.toml: project.dependencies is not a list")
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {need}" for need in needs),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Build the wheel in a temporary folder and let pip install it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    files = wheel_files(project)
    name = str(project["name"]).replace("-", "_")
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / f"{name}-{project['version']}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in files.items():
                archive.writestr(path, text)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
        subprocess.run([*pip, "--force-reinstall", str(wheel)], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
