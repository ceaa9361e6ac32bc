"""A run in the formats of other programs: trace viewers, lineage stores, research archives."""

from otter.report.exports.chrome import chrome_trace
from otter.report.exports.openlineage import lineage_events
from otter.report.exports.ro_crate import CrateOptions, write_crate

__all__ = ["CrateOptions", "chrome_trace", "lineage_events", "write_crate"]
