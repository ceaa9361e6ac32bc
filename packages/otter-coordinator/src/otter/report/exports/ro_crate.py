"""Workflow Run RO-Crate: a run as research objects describe it, beside the files that it made.

With the pipeline file at hand, the crate conforms to the profiles Process Run Crate, Workflow Run Crate and Provenance
Run Crate: the pipeline is the workflow, a task type is a tool and a step of the workflow, a task is an action. Without
it there is no workflow to point at, and the crate conforms to Process Run Crate alone. Tasks that never began are left
out.
"""

from __future__ import annotations

import mimetypes
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
import orjson

from otter.manifest.model import Result
from otter.report.facts import ReleaseFacts, StepFacts, TaskFacts
from otter.report.locations import Location, destinations, sources
from otter.report.output import write_output
from otter.util.errors import FSError
from otter.util.instants import instant_text

METADATA = "ro-crate-metadata.json"
_CRATE = "https://w3id.org/ro/crate/1.1"
_WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    _WORKFLOW_CRATE: "Workflow RO-Crate",
}
_STATUS = {
    Result.SUCCESS: "http://schema.org/CompletedActionStatus",
    Result.FAILURE: "http://schema.org/FailedActionStatus",
    Result.ABORTED: "http://schema.org/FailedActionStatus",
}

Entity = dict[str, Any]


@attrs.frozen(kw_only=True)
class CrateOptions:
    """What a manifest does not know of its crate.

    Attributes:
        pipeline: the pipeline file that was run; it is copied into the crate if it is elsewhere.
        license: the address of the licence, or its name.
        name: of the crate.
    """

    pipeline: Path | None = None
    license: str | None = None
    name: str | None = None


def write_crate(release: ReleaseFacts, steps: Sequence[StepFacts], directory: Path, options: CrateOptions) -> Path:
    """Describe a run in a directory, which becomes a crate.

    Files below the directory are parts of it and named relative to it; others are named by their address.

    Args:
        release: the manifest.
        steps: those of its steps that are described.
        directory: the crate; to archive a release, the one that holds its manifest.
        options: what a manifest does not know.

    Returns:
        The metadata file.

    Raises:
        FSError: the pipeline file cannot be read, or the directory not be written to.
    """
    directory = directory.absolute()
    pipeline = _take_in(options.pipeline, directory) if options.pipeline is not None else None
    crate = _Crate(directory, release.path.absolute().parent)
    for step in steps:
        crate.add_step(step, pipeline)
    crate.add_root(release, steps, pipeline, options)
    data = orjson.dumps(crate.document(), option=orjson.OPT_INDENT_2)
    write_output(str(directory / METADATA), data + b"\n")
    return directory / METADATA


def _take_in(pipeline: Path, directory: Path) -> Path:
    pipeline = pipeline.absolute()
    if pipeline.is_relative_to(directory):
        if not pipeline.is_file():
            raise FSError(f"{pipeline} is not a file")
        return pipeline
    target = directory / pipeline.name
    try:
        directory.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(pipeline, target)
    except OSError as error:
        raise FSError(f"{pipeline} cannot be copied to {target}: {error.strerror}") from error
    return target


class _Crate:
    """Entities by identifier, each once.

    Args:
        directory: the crate.
        release: what relative locations of the manifest belong to.
    """

    def __init__(self, directory: Path, release: Path) -> None:
        self._directory = directory
        self._release = release
        self._entities: dict[str, Entity] = {}
        self._parts: dict[str, None] = {}
        self._mentions: list[str] = []
        self._steps: dict[str, Entity] = {}

    def document(self) -> dict[str, Any]:
        """The whole, as JSON-LD."""
        context = [f"{_CRATE}/context", {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}]
        return {"@context": context, "@graph": list(self._entities.values())}

    def add_step(self, step: StepFacts, pipeline: Path | None) -> None:
        """The run of a step, and those of its tasks."""
        made: dict[str, None] = {}
        read: dict[str, None] = {}
        actions: dict[str, list[str]] = {}
        for place, task in enumerate(step.tasks):
            if task.started is None or task.result not in _STATUS:
                continue
            action = self._add_action(step, place, task)
            actions.setdefault(task.kind, []).append(action["@id"])
            read |= dict.fromkeys(_identifiers(action.get("object")))
            made |= dict.fromkeys(_identifiers(action.get("result")))
        self._mentions += [action for found in actions.values() for action in found]
        if pipeline is None:
            return
        run = self._put(
            f"#{quote(step.key)}", "CreateAction", name=f"Run of {step.key}",
            description=f"The step {step.name} with {len(step.tasks)} tasks", instrument=_ref(self._id(pipeline)),
            object=_refs(item for item in read if item not in made), result=_refs(made),
            **_course(step.started, step.finished, step.result, step.reason),
        )  # fmt: skip
        self._mentions.append(run["@id"])
        self._add_control(step, run, actions)

    def _add_action(self, step: StepFacts, place: int, task: TaskFacts) -> Entity:
        tool = self._put(f"#type/{quote(task.kind)}", "SoftwareApplication", name=task.kind)
        result = _refs(self._add_locations(destinations(task, self._release)))
        return self._put(
            f"#{quote(step.key)}/{place}", "CreateAction" if result else "ActivateAction", name=task.name,
            description=f"A task of type {task.kind}", instrument=_ref(tool["@id"]),
            object=_refs(self._add_locations(sources(task, self._release))), result=result,
            **_course(task.started, task.finished, task.result, task.reason),
        )  # fmt: skip

    def _add_control(self, step: StepFacts, run: Entity, actions: dict[str, list[str]]) -> None:
        engine = self._put("#otter", "SoftwareApplication", name="otter")
        if version := step.versions.get("coordinator", {}).get("otter-coordinator"):
            engine["softwareVersion"] = version
        controls = []
        for kind, found in actions.items():
            how = self._put(f"#step/{quote(kind)}", "HowToStep", workExample=_ref(f"#type/{quote(kind)}"))
            self._steps.setdefault(how["@id"], how)
            how["position"] = str(list(self._steps).index(how["@id"]) + 1)
            control = self._put(
                f"#{quote(step.key)}/control/{quote(kind)}", "ControlAction", name=f"The tasks of type {kind}",
                instrument=_ref(how["@id"]), object=_refs(found),
            )  # fmt: skip
            controls.append(control["@id"])
        self._put(
            f"#{quote(step.key)}/organize", "OrganizeAction", name=f"otter runs {step.key}",
            instrument=_ref(engine["@id"]), object=_refs(controls), result=_ref(run["@id"]),
            **_course(step.started, step.finished, step.result, step.reason),
        )  # fmt: skip

    def add_root(
        self, release: ReleaseFacts, steps: Sequence[StepFacts], pipeline: Path | None, options: CrateOptions
    ) -> None:
        """The crate itself, its descriptor, its licence and, if it is known, the workflow."""
        profiles = list(_PROFILES) if pipeline is not None else list(_PROFILES)[:1]
        for profile in profiles:
            self._put(profile, "CreativeWork", name=_PROFILES[profile], version=profile.rpartition("/")[2])
        conforms = [f"{_CRATE}", *([_WORKFLOW_CRATE] if pipeline is not None else [])]
        self._put(METADATA, "CreativeWork", about=_ref("./"), conformsTo=_refs(conforms))
        manifest = release.path.absolute()
        self._add_locations([Location(str(manifest), manifest)])
        root = self._put(
            "./", "Dataset", name=options.name or f"Run of {', '.join(step.key for step in steps)}",
            description=" ".join(_sentence(step) for step in steps), conformsTo=_refs(profiles),
            datePublished=_time(release.modified or max((step.ended for step in steps), default=0)),
            license=_ref(self._add_license(options.license)), mentions=_refs(self._mentions),
        )  # fmt: skip
        if pipeline is not None:
            root["mainEntity"] = _ref(self._add_workflow(pipeline))
        root["hasPart"] = _refs(self._parts)

    def _add_workflow(self, pipeline: Path) -> str:
        identifier = self._id(pipeline)
        language = self._put("#pipeline-file", "ComputerLanguage", name="otter pipeline file", alternateName="TOML")
        self._put(
            identifier, ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"], name=pipeline.name,
            programmingLanguage=_ref(language["@id"]), encodingFormat="application/toml",
            hasPart=_refs(how["workExample"]["@id"] for how in self._steps.values()), step=_refs(self._steps),
        )  # fmt: skip
        self._parts.setdefault(identifier)
        return identifier

    def _add_license(self, text: str | None) -> str:
        if text is not None and text.startswith(("https://", "http://")):
            return str(self._put(text, "CreativeWork", name=text)["@id"])
        description = "The terms under which the files of this crate may be used."
        name = text or "No licence was stated"
        return str(self._put("#license", "CreativeWork", name=name, description=description)["@id"])

    def _add_locations(self, locations: Iterable[Location]) -> list[str]:
        return [self._add_location(location) for location in locations]

    def _add_location(self, location: Location) -> str:
        path = location.path
        if path is None:
            return self._add_remote(location.text)
        identifier = self._id(path)
        kind = "File" if _is_file(path) else "Dataset" if _is_directory(path) else None
        if (
            kind is None
        ):  # what is gone, or never was a file, is no part of the crate, but was read or made all the same
            known = self._put(f"#gone/{quote(location.text)}", "CreativeWork", name=location.text)
            return str(known["@id"])
        if kind == "Dataset":
            identifier = f"{identifier.rstrip('/')}/"
        entity = self._put(identifier, kind, name=path.name)
        facts = {
            "contentSize": str(location.size) if location.size is not None else None,
            "sha256": location.sha256,
            "dateModified": _time(location.modified) if location.modified is not None else None,
            "encodingFormat": mimetypes.guess_type(path.name)[0] if kind == "File" else None,
        }
        entity.update({name: value for name, value in facts.items() if value is not None})
        self._parts.setdefault(identifier)
        return identifier

    def _add_remote(self, text: str) -> str:
        if not text.startswith(("https://", "http://", "ftp://")):  # not an address that anybody could follow
            return str(self._put(quote(text, safe=":/?#@!$&'()*+,;=%"), "CreativeWork", name=text)["@id"])
        identifier = quote(text, safe=":/?#@!$&'()*+,;=%~[]")
        self._put(identifier, "File", name=text.rstrip("/").rpartition("/")[2] or text)
        self._parts.setdefault(identifier)
        return identifier

    def _id(self, path: Path) -> str:
        if path.is_relative_to(self._directory):
            return quote(str(path.relative_to(self._directory)))
        return f"file://{quote(str(path))}"

    def _put(self, identifier: str, kind: str | list[str], **values: Any) -> Entity:
        entity = self._entities.setdefault(identifier, {"@id": identifier, "@type": kind})
        entity.update({name: value for name, value in values.items() if value is not None})
        return entity


def _ref(identifier: str) -> dict[str, str]:
    return {"@id": identifier}


def _refs(identifiers: Iterable[str]) -> Any:
    """References to entities: none, one, or a list of several, as the specification recommends."""
    found = [_ref(identifier) for identifier in dict.fromkeys(identifiers)]
    return found if len(found) > 1 else found[0] if found else None


def _identifiers(references: Any) -> list[str]:
    if references is None:
        return []
    return [item["@id"] for item in (references if isinstance(references, list) else [references])]


def _time(moment: int) -> str:
    """An instant in the one form that validators of the profiles know: milliseconds and an offset."""
    return f"{instant_text(moment)[:23]}+00:00"


def _course(started: int | None, finished: int | None, result: Result, reason: str | None) -> dict[str, Any]:
    return {
        "startTime": _time(started) if started is not None else None,
        "endTime": _time(finished) if finished is not None else None,
        "actionStatus": _STATUS.get(result),
        "error": (reason or result.value) if result in (Result.FAILURE, Result.ABORTED) else None,
    }


def _sentence(step: StepFacts) -> str:
    return f"The step {step.name} with {len(step.tasks)} tasks ended with {step.result.value}."


def _is_file(path: Path) -> bool:
    try:
        return os.path.isfile(path)
    except ValueError:
        return False


def _is_directory(path: Path) -> bool:
    try:
        return os.path.isdir(path)
    except ValueError:
        return False
