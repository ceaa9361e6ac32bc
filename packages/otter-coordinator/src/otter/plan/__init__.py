"""What a step would do, without doing it: its tasks, its order, its duration, its picture.

outline     the tasks that a file lists, and those that its templates make
durations   how long tasks took in an earlier run
reuse       what `--resume` would not run again
simulation  the real scheduler, driven by a clock that jumps
critical    the chain of tasks that bounds the duration
forecast    all of these together
graph       the tasks and their edges, to be drawn as Mermaid, DOT or SVG
"""
