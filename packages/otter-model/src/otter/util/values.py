"""What small classes have in common: to be compared and shown by their fields.

attrs makes these methods anew for each class, which is half of the time that it takes for one; and every process of a
run begins with some dozens of classes. So those that a run always needs inherit them: `@attrs.frozen(eq=False,
repr=False)` on a subclass of `Value`.
"""

from __future__ import annotations

from typing import Any


class Shown:
    """An object that shows its fields, as attrs would."""

    __slots__ = ()

    def __repr__(self) -> str:
        shown = (f"{field.name}={getattr(self, field.name)!r}" for field in _fields(self) if field.repr)
        return f"{type(self).__qualname__.rpartition('>.')[2]}({', '.join(shown)})"


class Value(Shown):
    """An object that is the same as another of its class with the same fields, as attrs would have it."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash((type(self), self._compared()))

    def _compared(self) -> tuple[Any, ...]:
        return tuple([getattr(self, field.name) for field in _fields(self) if field.eq])


def _fields(of: Any) -> tuple[Any, ...]:
    fields: tuple[Any, ...] = of.__attrs_attrs__
    return fields
