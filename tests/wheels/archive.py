"""What a wheel holds and declares, read without installing it."""

import zipfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGES: Mapping[str, Collection[str]] = {
    "otter-model": (
        "otter.config",
        "otter.manifest",
        "otter.pipeline",
        "otter.scratchpad",
        "otter.step.model",
        "otter.task",
        "otter.util",
        "otter.wire",
    ),
    "otter-worker": (
        "otter.commands",
        "otter.step.worker",
        "otter.storage",
        "otter.tasks",
        "otter.testing",
        "otter.validators",
    ),
    "otter-coordinator": (
        "otter.cli",
        "otter.core",
        "otter.inspection",
        "otter.observers",
        "otter.plan",
        "otter.report",
        "otter.step.coordinator",
    ),
}
"""The import packages of each distribution: all of them, and no others."""

DEPENDENCIES: Mapping[str, Mapping[str, Collection[str]]] = {
    "otter-model": {"": {"attrs", "cattrs", "orjson", "tomli", "tomli-w"}},
    "otter-worker": {"": {"otter-model", "pycurl"}},
    "otter-coordinator": {
        "": {"otter-model", "rich"},
        "worker": {"otter-worker"},
        "yaml": {"ruamel-yaml"},
        "completion": {"shtab"},
    },
}
"""What each distribution may depend on, by extra: a new dependency is a decision, made here too."""

NAMESPACES = ("otter", "otter/step")


@dataclass(frozen=True)
class Wheel:
    path: Path
    name: str
    version: str
    files: Mapping[str, bytes] = field(repr=False)
    requires: tuple[Requirement, ...]
    extras: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> "Wheel":
        with zipfile.ZipFile(path) as archive:
            files = {i.filename: archive.read(i) for i in archive.infolist() if not i.is_dir()}
        text = next(data for name, data in files.items() if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(text.decode())
        return cls(
            path,
            canonicalize_name(metadata["Name"]),
            metadata["Version"],
            files,
            tuple(Requirement(text) for text in metadata.get_all("Requires-Dist", [])),
            tuple(metadata.get_all("Provides-Extra", [])),
        )

    @property
    def modules(self) -> list[str]:
        """The dotted names of all modules; `__main__` modules are programs, not modules."""
        names = (name.removesuffix(".py") for name in self.files if name.endswith(".py"))
        dotted = (name.removesuffix("/__init__").replace("/", ".") for name in names)
        return sorted(name for name in dotted if not name.endswith(".__main__"))

    def dependencies(self, extra: str = "") -> list[Requirement]:
        """What is required without extras, or by the one extra alone."""
        return [
            one
            for one in self.requires
            if (one.marker is None if not extra else one.marker and f'"{extra}"' in str(one.marker))
        ]


def problems(wheels: Collection[Wheel]) -> list[str]:
    """Everything that these wheels, released together, would break for their users."""
    found = [problem for wheel in wheels for problem in _in_one(wheel)]
    owners = defaultdict(list)
    for wheel in wheels:
        for name in wheel.files:
            owners[name].append(wheel.name)
    found += [
        f"{name} is in {' and '.join(sorted(in_wheels))}" for name, in_wheels in owners.items() if len(in_wheels) > 1
    ]
    versions = {wheel.version for wheel in wheels}
    if len(versions) > 1:
        found.append(f"the distributions move together, but have versions {sorted(versions)}")
    return found


def _in_one(wheel: Wheel) -> Iterator[str]:
    yield from _misplaced(wheel)
    roots = [package.replace(".", "/") for package in PACKAGES[wheel.name]]
    for root in roots:
        for marker in ("__init__.py", "py.typed"):
            if f"{root}/{marker}" not in wheel.files:
                yield f"{wheel.name}: {root}/{marker} is missing"
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel.files):
        yield f"{wheel.name}: the licence is missing"
    yield from _undecided(wheel)


def _misplaced(wheel: Wheel) -> Iterator[str]:
    info = f"{wheel.name.replace('-', '_')}-{wheel.version}.dist-info/"
    roots = [f"{package.replace('.', '/')}/" for package in PACKAGES[wheel.name]]
    namespaces = [f"{namespace}/__init__.py" for namespace in NAMESPACES]
    for name in wheel.files:
        if name in namespaces:
            yield f"{wheel.name}: {name} makes the namespace the property of one wheel"
        elif not name.startswith((info, *roots)):
            yield f"{wheel.name}: {name} is in none of its packages"


def _undecided(wheel: Wheel) -> Iterator[str]:
    allowed = DEPENDENCIES[wheel.name]
    if unknown := set(wheel.extras) - set(allowed):
        yield f"{wheel.name}: undecided extras {sorted(unknown)}"
    for extra, expected in allowed.items():
        requirements = wheel.dependencies(extra)
        names = {canonicalize_name(one.name) for one in requirements}
        if names != set(expected):
            yield f"{wheel.name}[{extra}] depends on {sorted(names)}, not {sorted(expected)}"
        for one in requirements:
            bounds = [str(part) for part in one.specifier]
            ours = one.name.startswith("otter-")
            if ours and bounds != [f"=={wheel.version}"]:
                yield f"{wheel.name}: {one} must be pinned to {wheel.version}"
            if not ours and not (len(bounds) == 1 and bounds[0].startswith(">=")):
                yield f"{wheel.name}: {one} needs a lower bound and nothing else"
