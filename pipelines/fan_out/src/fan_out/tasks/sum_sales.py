"""`sum_sales`: what one region sold."""

import csv
import logging
from typing import Self

from otter.storage.synchronous.handle import StorageHandle
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report
from otter.util.errors import TaskRunError

logger = logging.getLogger(__name__)


class SumSalesSpec(Spec):
    """What `sum_sales` is to do."""

    source: str
    """The directory with the tables of orders, relative to the release."""
    scratchpad_key: str
    """The name under which later tasks find the sum."""


class SumSales(Task):
    """Store the sum of all amounts, in cents."""

    def __init__(self, spec: SumSalesSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: SumSalesSpec

    @report
    def run(self) -> Self:
        """Add up the tables."""
        config = self.context.config
        tables = StorageHandle(self.spec.source, config).glob("*.csv")
        if not tables:
            raise TaskRunError(f"no tables of orders in {self.spec.source}")
        total = 0
        for table in tables:
            with StorageHandle(table, config).open() as file:
                total += sum(int(row["amount"]) for row in csv.DictReader(file))
        logger.info("%d tables, %d cents", len(tables), total)
        self.context.scratchpad.store(self.spec.scratchpad_key, total)
        return self
