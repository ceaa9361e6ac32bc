"""OpenLineage events: what ran as runs of jobs, what they read and wrote as data sets.

The step is a job, and so is each task, whose runs name the step's run as their parent. Identifiers are derived from the
run, not drawn: exporting a manifest twice gives the same events, and a lineage store that has them changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from otter.manifest.model import Result
from otter.report.facts import ReleaseFacts, StepFacts, TaskFacts
from otter.report.links import Links
from otter.report.locations import Location, destinations, sources
from otter.step.coordinator.versions import own_versions
from otter.util.instants import instant_text

NAMESPACE = "otter"
_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_IDENTIFIERS = uuid.UUID("5f0c1c0e-6c5b-5d0b-9a43-0d3b8e6f7a11")
_ENDS = {Result.SUCCESS: "COMPLETE", Result.FAILURE: "FAIL", Result.ABORTED: "ABORT"}

Event = dict[str, Any]


def lineage_events(
    release: ReleaseFacts, steps: Sequence[StepFacts], namespace: str = NAMESPACE
) -> list[dict[str, Any]]:
    """The events of some steps, in the order in which they happened.

    Args:
        release: the manifest; relative locations belong to its directory.
        steps: those of its steps that are exported.
        namespace: of the jobs.
    """
    root = release.path.absolute().parent
    exports = [_StepExport(step, root, namespace) for step in steps]
    events = [event for export in exports for event in export.events()]
    return sorted(events, key=lambda event: str(event["eventTime"]))


class _StepExport:
    def __init__(self, step: StepFacts, root: Path, namespace: str) -> None:
        self._step = step
        self._root = root
        self._namespace = namespace
        self._producer = f"urn:otter:coordinator:{_version()}"
        self._run = _uuid(step.run_id) or self._identifier("")

    def events(self) -> Iterator[Event]:
        step = self._step
        if step.started is not None:
            facets = {"processing_engine": self._engine()}
            yield self._event("START", step.started, self._run, step.key, "STEP", facets)
        links = Links.of(step.tasks)
        for place, task in enumerate(step.tasks):
            begun = next((attempt.started for attempt in task.attempts if attempt.started is not None), None)
            if begun is not None and not task.reused:
                yield from self._of_task(task, [step.tasks[other] for other in links.requires[place]], begun)
        if step.finished is not None and step.result in _ENDS:
            facets = {"processing_engine": self._engine(), **self._error(step.reason, None, step.result)}
            yield self._event(_ENDS[step.result], step.finished, self._run, step.key, "STEP", facets)

    def _of_task(self, task: TaskFacts, required: Iterable[TaskFacts], begun: int) -> Iterator[Event]:
        run, job = self._identifier(task.name), self._job(task)
        parent = {"run": {"runId": self._run}, "job": {"namespace": self._namespace, "name": self._step.key}}
        facets = {"parent": self._facet("ParentRunFacet", "1-2-0", parent)}
        needed = [
            {
                "job": {"namespace": self._namespace, "name": self._job(other)},
                "run": {"runId": self._identifier(other.name)},
                "dependency_type": "DIRECT_INVOCATION",
                "sequence_trigger_rule": "FINISH_TO_START",
                "status_trigger_rule": "EXECUTE_ON_SUCCESS",
            }
            for other in required
        ]
        if needed:
            facets["jobDependencies"] = self._facet("JobDependenciesRunFacet", "1-0-1", {"upstream": needed})
        inputs = [self._dataset(location) for location in sources(task, self._root)]
        yield self._event("START", begun, run, job, "TASK", facets, inputs)
        if task.finished is not None and task.result in _ENDS:
            facets = {**facets, **self._error(task.reason, task.traceback, task.result)}
            outputs = [self._output(location) for location in destinations(task, self._root)]
            yield self._event(_ENDS[task.result], task.finished, run, job, "TASK", facets, inputs, outputs)

    def _event(
        self,
        kind: str,
        moment: int,
        run: str,
        job: str,
        job_type: str,
        facets: dict[str, Any],
        inputs: Sequence[Any] = (),
        outputs: Sequence[Any] = (),
    ) -> Event:
        described = {"processingType": "BATCH", "integration": "OTTER", "jobType": job_type}
        return {
            "eventTime": instant_text(moment),
            "eventType": kind,
            "producer": self._producer,
            "schemaURL": _EVENT,
            "run": {"runId": run, "facets": facets},
            "job": {
                "namespace": self._namespace,
                "name": job,
                "facets": {"jobType": self._facet("JobTypeJobFacet", "2-0-3", described)},
            },
            "inputs": list(inputs),
            "outputs": list(outputs),
        }

    def _job(self, task: TaskFacts) -> str:
        return f"{self._step.key}.{task.name}"

    def _identifier(self, name: str) -> str:
        return str(uuid.uuid5(_IDENTIFIERS, f"{self._step.key}\n{self._step.started}\n{name}"))

    def _facet(self, name: str, revision: str, fields: dict[str, Any]) -> dict[str, Any]:
        schema = f"{_SPEC}/facets/{revision}/{name}.json#/$defs/{name}"
        return {"_producer": self._producer, "_schemaURL": schema, **fields}

    def _engine(self) -> dict[str, Any]:
        ran = self._step.versions.get("coordinator", {}).get("otter-coordinator", _version())
        facts = {"version": ran, "name": "otter", "openlineageAdapterVersion": _version()}
        return self._facet("ProcessingEngineRunFacet", "1-1-1", facts)

    def _error(self, reason: str | None, traceback: str | None, result: Result) -> dict[str, Any]:
        if result is Result.SUCCESS or reason is None:
            return {}
        fields = {"message": reason, "programmingLanguage": "PYTHON"}
        if traceback is not None:
            fields["stackTrace"] = traceback
        return {"errorMessage": self._facet("ErrorMessageRunFacet", "1-0-1", fields)}

    def _dataset(self, location: Location) -> dict[str, Any]:
        namespace, name = dataset_name(location)
        facets: dict[str, Any] = {}
        if location.sha256 is not None:
            known = {"datasetVersion": f"sha256:{location.sha256}"}
            facets["version"] = self._facet("DatasetVersionDatasetFacet", "1-0-1", known)
        return {"namespace": namespace, "name": name, "facets": facets}

    def _output(self, location: Location) -> dict[str, Any]:
        facets: dict[str, Any] = {}
        if location.size is not None:
            written = {"size": location.size, "fileCount": 1}
            facets["outputStatistics"] = self._facet("OutputStatisticsOutputDatasetFacet", "1-0-2", written)
        return {**self._dataset(location), "outputFacets": facets}


def dataset_name(location: Location) -> tuple[str, str]:
    """Namespace and name of a location, as OpenLineage's naming rules have them for files and object stores."""
    if location.path is not None:
        return "file", str(location.path)
    try:
        scheme, host, path, query, _ = urlsplit(location.text)
    except ValueError:  # such as brackets that hold no address
        return "unknown", location.text
    if scheme in ("s3", "gs"):
        return f"{scheme}://{host}", path.lstrip("/") or "/"
    return f"{scheme}://{host.rpartition('@')[2]}", f"{path}?{query}" if query else path or "/"


def _uuid(text: str | None) -> str | None:
    """A recorded id in the form that OpenLineage wants; none if it is no such id."""
    try:
        return str(uuid.UUID(text or ""))
    except ValueError:
        return None


def _version() -> str:
    return own_versions().get("otter-coordinator", "0")
