"""Bodies: one or more messages as an array of JSON objects, each tagged with its class name under `kind`.

The tables of both directions are derived from the unions in `otter.wire.messages`; there is no second list. Unknown
fields are ignored, so that a newer minor version may add some; unknown kinds are refused.
"""

from __future__ import annotations

import functools
import math
import typing
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
import orjson
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from otter.wire import messages
from otter.wire.errors import PeerError, UnrepresentableError, VersionError
from otter.wire.messages import SayHello, ToCoordinator, ToWorker
from otter.wire.values import MAX_DEPTH
from otter.wire.version import agree

TAG = "kind"
MAX_NESTING = MAX_DEPTH + 2
"""Arrays and objects inside each other in a field of any JSON: a value, in a list, in a record."""

_CONTAINERS = (dict, list)
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def _strict(expected: type, word: str) -> Callable[[Any, Any], Any]:
    def hook(value: Any, _: Any) -> Any:
        # The type itself, not its subclasses: true is not 1 here, and an over-long integer has become a float.
        if type(value) is expected:
            return value
        raise TypeError(f"expected {word}, got {type(value).__name__}")

    return hook


def _optional(hook: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda value, tp: None if value is None else hook(value, tp)


def _number(value: Any, _: Any) -> float:
    if type(value) in (int, float):
        return float(value)
    raise TypeError(f"expected a number, got {type(value).__name__}")


def _finite(value: float) -> float:
    if not math.isfinite(value):  # the library would write null
        raise ValueError(f"{value} is not a number that JSON has")
    return value


def _integers(value: Any, _: Any) -> Any:
    if type(value) is list and all(type(item) is int for item in value):
        return value
    raise TypeError("expected an array of integers")


def _texts(value: Any, _: Any) -> Any:
    if type(value) is list and all(type(item) is str for item in value):
        return value
    raise TypeError("expected an array of texts")


def _objects(value: Any, _: Any) -> Any:
    if type(value) is list and all(type(item) is dict for item in value):
        return _shallow(value)
    raise TypeError("expected an array of objects")


def _json(*expected: type) -> Callable[[Any, Any], Any]:
    def hook(value: Any, _: Any) -> Any:
        if expected and type(value) not in expected:
            raise TypeError(f"expected {' or '.join(tp.__name__ for tp in expected)}, got {type(value).__name__}")
        return _shallow(value)

    return hook


def _shallow(value: Any) -> Any:
    """JSON of any kind as it is, unless it is nested so deep that whoever walks or writes it would give up."""
    if type(value) is dict:
        for item in value.values():
            if type(item) in _CONTAINERS:
                break
        else:
            return value  # as most records of results are
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(MAX_NESTING):
        if not level:
            return value
        level = [
            item
            for container in level
            for item in (container.values() if type(container) is dict else container)
            if type(item) in _CONTAINERS
        ]
    if level:
        raise ValueError(f"nested more than {MAX_NESTING} deep")
    return value


@functools.cache
def _converter() -> Converter:
    converter = Converter(detailed_validation=False)
    for expected, word in ((str, "text"), (int, "an integer"), (bool, "a boolean")):
        strict = _strict(expected, word)
        converter.register_structure_hook(expected, strict)
        converter.register_structure_hook(expected | None, _optional(strict))
    converter.register_structure_hook(float, _number)
    converter.register_unstructure_hook(float, _finite)
    # JSON inside a message stays as orjson made it: what it means is the business of those who asked for it.
    plain: dict[Any, Callable[[Any, Any], Any]] = {
        dict[str, Any]: _json(dict), list[Any]: _json(list), list[dict[str, Any]]: _objects, list[int]: _integers,
        list[str]: _texts,
        Any: _json(),
    }  # fmt: skip
    converter.register_structure_hook_factory(lambda tp: tp in plain, lambda tp: plain[tp])
    converter.register_unstructure_hook_func(lambda tp: tp in plain, lambda value: value)
    return converter


class Codec:
    """Turns messages of one direction into bodies and back.

    Args:
        union: the messages of the direction, `ToWorker` or `ToCoordinator`.
    """

    def __init__(self, union: Any) -> None:
        self._types: dict[str, type] = {kind.__name__: kind for kind in typing.get_args(union)}
        # Made when they are needed: a process reads one direction and writes the other, and starts the sooner.
        self._encoders: dict[type, Callable[[Any], dict[str, Any]]] = {}
        self._decoders: dict[str, tuple[type, Callable[[Any, Any], Any]]] = {}

    @property
    def kinds(self) -> frozenset[str]:
        """The tags of the direction."""
        return frozenset(self._types)

    def _make_encoder(self, kind: type) -> Callable[[Any], dict[str, Any]]:
        if self._types.get(kind.__name__) is not kind:
            raise UnrepresentableError("$", f"{kind.__name__} does not travel in this direction")
        attrs.resolve_types(kind, vars(messages))
        # Fields at their default do not travel: most results have none of the optional ones.
        overrides = {a.name: override(omit_if_default=a.default is not attrs.NOTHING) for a in attrs.fields(kind)}
        encode: Callable[[Any], dict[str, Any]]
        encode = make_dict_unstructure_fn(kind, _converter(), **overrides)  # type: ignore[arg-type]
        self._encoders[kind] = encode
        return encode

    def _make_decoder(self, name: Any) -> tuple[type, Callable[[Any, Any], Any]]:
        kind = self._types.get(name) if type(name) is str else None
        if kind is None:
            raise PeerError(f"unknown kind of message {str(name)[:80]!r}")
        attrs.resolve_types(kind, vars(messages))
        decoder: Callable[[Any, Any], Any] = make_dict_structure_fn(
            kind, _converter(), _cattrs_detailed_validation=False
        )
        self._decoders[kind.__name__] = kind, decoder
        return kind, decoder

    def encode(self, batch: Iterable[Any]) -> bytes:
        """The body of messages.

        Raises:
            UnrepresentableError: one of them holds a value that JSON does not have, or is of the other direction.
        """
        encoders = self._encoders
        rows = []
        try:
            for message in batch:
                encoder = encoders.get(type(message)) or self._make_encoder(type(message))
                row = encoder(message)
                row[TAG] = type(message).__name__
                rows.append(row)
            return orjson.dumps(rows, option=_OPTIONS)
        except (TypeError, ValueError, RecursionError) as error:
            raise UnrepresentableError("$", str(error)) from error

    def decode(self, body: bytes) -> list[Any]:
        """The messages of a body.

        Raises:
            PeerError: it is not an array of messages of this direction.
        """
        rows = _rows(body)
        decoders = self._decoders
        batch = []
        for row in rows:
            kind = row.get(TAG) if type(row) is dict else None
            known = (decoders.get(kind) if type(kind) is str else None) or self._make_decoder(kind)
            try:
                batch.append(known[1](row, known[0]))
            except Exception as error:  # generated code raises what a hostile value provokes, of any type
                raise PeerError(f"a {kind} does not fit its definition: {type(error).__name__}: {error}") from error
        return batch


def _rows(body: bytes) -> list[Any]:
    try:
        rows = orjson.loads(body)
    except ValueError as error:
        raise PeerError(f"a body is not JSON: {error}") from error
    if type(rows) is not list or not rows:
        raise PeerError("a body is not an array of messages")
    return rows


def read_hello(body: bytes) -> tuple[SayHello, str]:
    """The first message of a worker and the version to speak with it.

    The version is looked at before anything else of the message, since another major may have changed all the rest.

    Raises:
        VersionError: the worker speaks another major version.
        PeerError: it is not a hello.
    """
    rows = _rows(body)
    row = rows[0]
    if len(rows) > 1 or type(row) is not dict or row.get(TAG) != SayHello.__name__:
        raise PeerError("the first message of a worker must be SayHello, in a body of its own")
    version = agree(row.get("oldest"), row.get("newest"))
    hello = TO_COORDINATOR.decode(orjson.dumps([row]))[0]
    return hello, version


TO_WORKER = Codec(ToWorker)
TO_COORDINATOR = Codec(ToCoordinator)

Batch = Sequence[Any]

__all__ = ["TO_COORDINATOR", "TO_WORKER", "Codec", "VersionError", "read_hello"]
