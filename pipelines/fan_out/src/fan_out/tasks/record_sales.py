"""`record_sales`: the orders of one region in one quarter."""

import csv
import random
from typing import Self

from otter.manifest.model import Artifact
from otter.storage.synchronous.handle import StorageHandle
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report


class RecordSalesSpec(Spec):
    """What `record_sales` is to do."""

    destination: str
    """The table of orders, relative to the release."""
    seed: str
    """What the figures are made from: the same seed gives the same figures."""
    orders: int = 100
    """How many."""


class RecordSales(Task):
    """Write a table of orders with made-up amounts, in cents."""

    def __init__(self, spec: RecordSalesSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: RecordSalesSpec

    @report
    def run(self) -> Self:
        """Write the table."""
        figures = random.Random(self.spec.seed)
        destination = StorageHandle(self.spec.destination, self.context.config)
        with destination.open("w") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(("order", "amount"))
            for order in range(self.spec.orders):
                table.writerow((order + 1, figures.randint(1_00, 999_99)))
        self.artifacts = [Artifact(source=self.spec.seed, destination=destination.absolute)]
        return self
