"""The worker process as a coordinator of another make would start it, by the text of the protocol."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otter.config.model import Config
from otter.wire import TO_COORDINATOR, TO_WORKER, read_hello
from otter.wire import messages as m
from otter.wire.frames import FrameDecoder, encode_frame

PATIENCE = 20.0
BEGINNING = struct.Struct("!QId")
"""As the protocol has it: task, attempt, and the monotonic clock."""


class Foreign:
    """The coordinator's ends of a worker's descriptors.

    Args:
        beginnings: give the worker a pipe for what begins.
        more: further arguments.
    """

    def __init__(self, *, beginnings: bool, more: tuple[str, ...] = ()) -> None:
        self.channel, theirs = socket.socketpair()
        self.control, their_control = socket.socketpair()
        batons, self.batons = os.pipe()
        lifeline, self.lifeline = os.pipe()
        handed = [theirs.fileno(), their_control.fileno(), batons, lifeline]
        names = ["channel", "control", "batons", "lifeline"]
        self.beginnings = -1
        if beginnings:
            self.beginnings, begun = os.pipe()
            handed.append(begun)
            names.append("beginnings")
        arguments = [f"--{name}={fd}" for name, fd in zip(names, handed, strict=True)]
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "otter.step.worker", "--worker-id=3", *arguments, *more],
            stdin=subprocess.DEVNULL, pass_fds=handed, process_group=0,
        )  # fmt: skip
        theirs.close()
        their_control.close()
        for fd in (batons, lifeline, *handed[4:]):
            os.close(fd)
        self.channel.settimeout(PATIENCE)
        self._decoder = FrameDecoder()
        self._bodies: list[bytes] = []

    def body(self) -> bytes:
        """The next body that the worker writes."""
        while not self._bodies:
            data = self.channel.recv(65536)
            assert data, "the worker closed its channel"
            self._bodies += self._decoder.feed(data)
        return self._bodies.pop(0)

    def send(self, *messages: Any) -> None:
        """Send messages in one frame, and a baton for each task first."""
        os.write(self.batons, b"\0" * sum(isinstance(message, m.RunTask) for message in messages))
        self.channel.sendall(encode_frame(TO_WORKER.encode(messages)))

    def results(self, count: int) -> list[Any]:
        """The messages until so many results are among them."""
        found: list[Any] = []
        while sum(isinstance(message, m.ReportResult) for message in found) < count:
            found += TO_COORDINATOR.decode(self.body())
        return found

    def welcome(self, work_path: Path) -> m.SayHello:
        """Hear the hello, and accept the worker."""
        hello, version = read_hello(self.body())
        config = Config(step="s", steps=["s"], work_path=work_path).to_json()
        self.send(m.Welcome(version, "run", config))
        return hello

    def close(self) -> None:
        """End the worker."""
        self.process.kill()
        self.process.wait()
        self.channel.close()
        self.control.close()
        for fd in (self.batons, self.lifeline, self.beginnings):
            if fd >= 0:
                os.close(fd)


@pytest.fixture
def start() -> Iterator[Any]:
    """Starts workers, which end with the test."""
    started: list[Foreign] = []

    def begin(**how: Any) -> Foreign:
        started.append(Foreign(**how))
        return started[-1]

    yield begin
    for foreign in started:
        foreign.close()


def tasks(count: int) -> list[m.RunTask]:
    """Requests for tasks that greet somebody."""
    return [m.RunTask(place, 1, {"name": f"hello_world {place}", "who": "you"}) for place in range(count)]


def test_beginnings_stand_in_the_pipe(start: Any, tmp_path: Path) -> None:
    """With a pipe for them, what begins is written there, before its result, and no message tells of it."""
    foreign = start(beginnings=True)
    hello = foreign.welcome(tmp_path)
    before = time.monotonic()
    foreign.send(*tasks(3))

    messages = foreign.results(3)

    records = list(BEGINNING.iter_unpack(os.read(foreign.beginnings, 4096)))
    assert 3 == hello.worker
    assert [m.ReportResult] * 3 == [type(message) for message in messages]
    assert [(0, 1), (1, 1), (2, 1)] == [record[:2] for record in records]
    times = [before, *(record[2] for record in records), time.monotonic()]
    assert sorted(times) == times


def test_without_the_pipe_messages_tell(start: Any, tmp_path: Path) -> None:
    """A coordinator that has no such pipe hears of beginnings in the channel; arguments from the future are ignored."""
    foreign = start(beginnings=False, more=("--gravity=9.81",))
    foreign.welcome(tmp_path)
    foreign.send(*tasks(2))

    messages = foreign.results(2)

    kinds = [(type(message), message.task) for message in messages]
    assert [(m.ReportStart, 0), (m.ReportResult, 0), (m.ReportStart, 1), (m.ReportResult, 1)] == kinds


def test_it_ends_when_it_is_told_to(start: Any, tmp_path: Path) -> None:
    """After Stop it finishes what it has, and exits with 0."""
    foreign = start(beginnings=True)
    foreign.welcome(tmp_path)
    foreign.send(*tasks(1), m.Stop())

    assert 1 == len(foreign.results(1))
    assert 0 == foreign.process.wait(PATIENCE)


def test_it_ends_with_its_coordinator(start: Any, tmp_path: Path) -> None:
    """The end of the channel is the end of the worker, though nothing wakes it up otherwise."""
    foreign = start(beginnings=True)
    foreign.welcome(tmp_path)
    foreign.channel.shutdown(socket.SHUT_RDWR)

    assert 0 == foreign.process.wait(PATIENCE)


def test_a_stream_that_breaks_behind_good_frames_ends_it(start: Any, tmp_path: Path) -> None:
    """The good frames count, and nobody has to send more before the damage is noticed."""
    foreign = start(beginnings=True)
    read_hello(foreign.body())
    config = Config(step="s", steps=["s"], work_path=tmp_path).to_json()
    welcome = encode_frame(TO_WORKER.encode([m.Welcome("1.0", "run", config)]))
    foreign.channel.sendall(welcome + struct.pack("!II", 2, 1) + b"[]")

    assert 76 == foreign.process.wait(PATIENCE)


@pytest.mark.parametrize(
    "messages",
    [
        [m.Welcome("1.0", "run", {"step": "s"}), m.Welcome("1.0", "run", {"step": "s"})],
        [m.Welcome("1.0", "run", {"step": "s"}), m.Refuse("too late")],
        [m.Welcome("2.0", "run", {"step": "s"})],
        [m.Welcome("1.0", "run", {"step": 5})],
    ],
    ids=["twice", "refused later", "version", "config"],
)
def test_a_welcome_that_breaks_the_protocol_ends_it(start: Any, messages: list[Any]) -> None:
    """A second answer to the hello, a version that this side does not speak, a field of another type."""
    foreign = start(beginnings=True)
    read_hello(foreign.body())
    foreign.send(*messages)

    assert 76 == foreign.process.wait(PATIENCE)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--worker-id=NUMBER is missing"),
        (["--worker-id=0"], "--channel=NUMBER is missing"),
        (["--worker-id=first"], "--worker-id takes a number, not 'first'"),
        (["--new", "--worker-id", "0", "--channel", "none"], "--channel takes a number, not 'none'"),
    ],
)
def test_whoever_starts_it_by_hand_is_told_what_it_is(arguments: list[str], said: str) -> None:
    """Nothing is read from descriptors that nobody has named."""
    command = [sys.executable, "-m", "otter.step.worker", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    first, second = done.stderr.splitlines()
    assert (os.EX_USAGE, f"python -m otter.step.worker: {said}") == (done.returncode, first)
    assert "PROTOCOL.md" in second


def test_its_help_is_that_of_the_command_for_people() -> None:
    """There is nothing to be said to people of how a coordinator starts it."""
    command = [sys.executable, "-m", "otter.step.worker", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == done.returncode
    assert "describe" in done.stdout


def test_arguments_that_it_does_not_know_are_left_alone(start: Any) -> None:
    """A newer coordinator may give more, with or without a value."""
    worker = start(beginnings=True, more=("--newer=1", "--newest", "--limit", "5"))
    assert TO_COORDINATOR.decode(worker.body())[0].worker == 3
