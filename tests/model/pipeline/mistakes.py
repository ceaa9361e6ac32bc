"""Mistakes that pipeline authors make: the file, and what otter says about it, to the letter.

The file of each is named `pipeline.toml`; the summary line is left out.
"""

from __future__ import annotations

MISTAKES: dict[str, tuple[str, str]] = {
    "text without quotes": (
        """\
[[steps.fetch]]
name = copy one
""",
        """\
pipeline.toml:2:8: error: invalid value copy
    2 | name = copy one
      |        ^^^^
  help: write text in quotes""",
    ),
    "capital boolean": (
        """\
pool_size = 3
[[steps.fetch]]
name = "copy one"
strict = True
""",
        """\
pipeline.toml:4:10: error: invalid value True
    4 | strict = True
      |          ^^^^
  help: write true or false in lower case""",
    ),
    "null": (
        """\
[[steps.fetch]]
name = "copy one"
source = null
""",
        """\
pipeline.toml:3:10: error: invalid value null
    3 | source = null
      |          ^^^^
  help: TOML has no null: leave the key out""",
    ),
    "key without value": (
        """\
[[steps.fetch]]
name
""",
        """\
pipeline.toml:2:5: error: a key without a value
    2 | name
      |     ^
  help: write key = value""",
    ),
    "key twice": (
        """\
[[steps.fetch]]
name = "copy one"
name = "copy two"
""",
        """\
pipeline.toml:3:1: error: this key has a value already
    3 | name = "copy two"
      | ^^^^^^^^^^^^^^^^^
  help: write each key of a table once""",
    ),
    "single brackets twice": (
        """\
[steps.fetch]
name = "copy one"
[steps.fetch]
name = "copy two"
""",
        """\
pipeline.toml:3:1: error: the table steps.fetch is there already
    3 | [steps.fetch]
      | ^^^^^^^^^^^^
  help: a table has one header; a task has [[steps.NAME]], in double brackets""",
    ),
    "text that is not closed": (
        """\
[[steps.fetch]]
name = "copy one
source = "a"
""",
        """\
pipeline.toml:2:17: error: the text is not closed
    2 | name = "copy one
      |                 ^
  help: close it on its line, or write it between triple quotes""",
    ),
    "backslash": (
        """\
[[steps.fetch]]
name = "copy one"
source = "C:\\data"
""",
        """\
pipeline.toml:3:15: error: unescaped '\\' in a string
    3 | source = "C:\\data"
      |               ^
  help: write a text with backslashes in single quotes, or double them""",
    ),
    "array that is not closed": (
        """\
[[steps.fetch]]
name = "copy one"
requires = ["a" "b"]
""",
        """\
pipeline.toml:3:17: error: unclosed array
    3 | requires = ["a" "b"]
      |                 ^
  help: write a comma between elements, and ] after the last""",
    ),
    "two on a line": (
        """\
[[steps.fetch]]
name = "copy one" source = "a"
""",
        """\
pipeline.toml:2:19: error: a line has one key and value
    2 | name = "copy one" source = "a"
      |                   ^
  help: begin a new line here""",
    ),
    "control character": (
        """\
[[steps.fetch]]
name = "copy \x07one"
""",
        """\
pipeline.toml:2:14: error: illegal character '\\x07'
    2 | name = "copy \\x07one"
      |              ^^^^""",
    ),
    "huge integer": (
        '[[steps.fetch]]\nname = "copy one"\nretries_allowed = ' + "9" * 5000 + "\n",
        """\
pipeline.toml:3:19: error: the integer has 5000 digits; values have 64 bits
    3 | retries_allowed = 9999999999999999999999999999999999999999999999999999999999999999999999999999999999…
      |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^""",
    ),
    "deep nesting": (
        "x = " + "[" * 70 + "]" * 70 + "\n",
        """\
pipeline.toml:1:69: error: arrays and tables nest deeper than 64
    1 | …[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]…
      |                                   ^""",
    ),
    "long key": (
        "x." * 70 + "y = 1\n",
        """\
pipeline.toml:1:128: error: a key has more than 64 parts
    1 | ….x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.y = 1
      |                                                                                    ^""",
    ),
    "unknown key": (
        """\
work_pth = "./w"
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:1:1: error: work_pth: unknown key 'work_pth'
    1 | work_pth = "./w"
      | ^^^^^^^^
  help: did you mean 'work_path'?""",
    ),
    "unknown key unlike any": (
        """\
colour = "red"
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:1:1: error: colour: unknown key 'colour'
    1 | colour = "red"
      | ^^^^^^
  help: a file has work_path, release_uri, pool_size, log_level, grace, max_specs, scratchpad, defaults, pools, workers, steps""",
    ),
    "names code": (
        """\
task_packages = ["evil"]
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:1:1: error: task_packages: a pipeline file names no code to import
    1 | task_packages = ["evil"]
      | ^^^^^^^^^^^^^
  help: name packages of task types where the run is started: --tasks PACKAGE""",
    ),
    "work path is a number": (
        """\
work_path = 5
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:1:13: error: work_path: expected text, got the integer 5
    1 | work_path = 5
      |             ^""",
    ),
    "pool size is zero": (
        """\
pool_size = 0
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:1:13: error: pool_size: expected 1 to 4,096, got 0
    1 | pool_size = 0
      |             ^""",
    ),
    "pool size is text": (
        """\
pool_size = "many"
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:1:13: error: pool_size: expected an integer, got the text 'many'
    1 | pool_size = "many"
      |             ^^^^^^""",
    ),
    "log level": (
        """\
log_level = "loud"
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:1:13: error: log_level: expected one of TRACE, DEBUG, INFO, SUCCESS, WARNING, ERROR, CRITICAL, got 'loud'
    1 | log_level = "loud"
      |             ^^^^^^""",
    ),
    "grace": (
        """\
grace = "soon"
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:1:9: error: grace: 'soon' is not a duration: write seconds, or a text such as '90s', '10m' or '1h30m'
    1 | grace = "soon"
      |         ^^^^^^""",
    ),
    "max specs": (
        """\
max_specs = -1
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:1:13: error: max_specs: expected 1 to 1,000,000,000, got -1
    1 | max_specs = -1
      |             ^^""",
    ),
    "scratchpad is no table": (
        """\
scratchpad = "x"
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:1:14: error: scratchpad: expected a table, got the text 'x'
    1 | scratchpad = "x"
      |              ^^^
  help: write [scratchpad]""",
    ),
    "scratchpad value is not a number": (
        """\
[scratchpad]
ratio = nan
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:2:9: error: scratchpad.ratio: nan is no value that a task can get: JSON has none such
    2 | ratio = nan
      |         ^^^""",
    ),
    "placeholder in the scratchpad": (
        """\
[scratchpad]
version = "35"
file = "v${version}"
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:3:10: warning: scratchpad.file: ${version} is not replaced here: values are put in once, and not read again
    3 | file = "v${version}"
      |          ^^^^^^^^^^""",
    ),
    "pool is text": (
        """\
[pools]
ebi = "few"
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:2:7: error: pools.ebi: expected an integer, got the text 'few'
    2 | ebi = "few"
      |       ^^^^^""",
    ),
    "workers key": (
        """\
[workers]
pyton = "python3.13"
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:2:1: error: workers.pyton: unknown key 'pyton'
    2 | pyton = "python3.13"
      | ^^^^^
  help: did you mean 'python'?""",
    ),
    "workers memory": (
        """\
[workers]
memory = "4 boxes"
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:2:10: error: workers.memory: '4 boxes' is not a size: write bytes, or a text such as '512MiB' or '4GiB'
    2 | memory = "4 boxes"
      |          ^^^^^^^^^""",
    ),
    "workers environment": (
        """\
[workers]
env = ["HOME", 5]
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:2:16: error: workers.env[1]: expected text, got the integer 5
    2 | env = ["HOME", 5]
      |                ^""",
    ),
    "defaults key": (
        """\
[defaults]
retries = 2
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:2:1: error: defaults.retries: unknown key 'retries'
    2 | retries = 2
      | ^^^^^^^
  help: write [defaults.policy], or defaults.policy = { … }""",
    ),
    "defaults policy": (
        """\
[defaults]
policy = { retries = "often" }
[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:2:22: error: defaults.policy.retries: expected an integer, got the text 'often'
    2 | policy = { retries = "often" }
      |                      ^^^^^^^""",
    ),
    "no steps": (
        """\
pool_size = 2
""",
        """\
pipeline.toml: error: the file has no steps
  help: write [[steps.NAME]] before each task""",
    ),
    "empty steps": (
        """\
[steps]
""",
        """\
pipeline.toml:1:2: error: steps: the file has no steps
    1 | [steps]
      |  ^^^^^
  help: write [[steps.NAME]] before each task""",
    ),
    "steps is an array": (
        """\
steps = ["copy one"]
""",
        """\
pipeline.toml:1:9: error: steps: expected a table, got an array
    1 | steps = ["copy one"]
      |         ^^^^^^^^^^^^
  help: write [[steps.NAME]] before each task""",
    ),
    "single brackets": (
        """\
[steps.fetch]
name = "copy one"
""",
        """\
pipeline.toml:1:8: error: steps.fetch: a step is an array of tables, got a single one
    1 | [steps.fetch]
      |        ^^^^^
  help: write [[steps.fetch]] with double brackets""",
    ),
    "step is text": (
        """\
[steps]
fetch = "copy one"
""",
        """\
pipeline.toml:2:9: error: steps.fetch: expected an array of tables, got the text 'copy one'
    2 | fetch = "copy one"
      |         ^^^^^^^^^^""",
    ),
    "task is text": (
        """\
[steps]
fetch = ["copy one", { name = "note two" }]
""",
        """\
pipeline.toml:2:10: error: steps.fetch[0]: a task is a table, got the text 'copy one'
    2 | fetch = ["copy one", { name = "note two" }]
      |          ^^^^^^^^^^""",
    ),
    "step name with a slash": (
        """\
[["steps"."a/b"]]
name = "note one"
""",
        """\
pipeline.toml:1:11: error: steps."a/b": the step name 'a/b' cannot be the name of a directory
    1 | [["steps"."a/b"]]
      |           ^^^^^""",
    ),
    "missing name": (
        """\
[[steps.fetch]]
source = "a"
""",
        """\
pipeline.toml:1:9: error: steps.fetch[0].name: a task needs a name
    1 | [[steps.fetch]]
      |         ^^^^^
  help: write name = "TYPE description\"""",
    ),
    "name is a number": (
        """\
[[steps.fetch]]
name = 5
""",
        """\
pipeline.toml:2:8: error: steps.fetch[0].name: expected text, got the integer 5
    2 | name = 5
      |        ^""",
    ),
    "no description": (
        """\
[[steps.fetch]]
name = "note"
""",
        """\
pipeline.toml:2:8: error: steps.fetch[0].name: a name is the task type, a blank, and a description; got 'note'
    2 | name = "note"
      |        ^^^^^^
  help: for instance name = "note something\"""",
    ),
    "empty name": (
        """\
[[steps.fetch]]
name = ""
""",
        """\
pipeline.toml:2:8: error: steps.fetch[0].name: a name is the task type, a blank, and a description; got ''
    2 | name = ""
      |        ^^
  help: for instance name = "copy something\"""",
    ),
    "line break in a name": (
        """\
[[steps.fetch]]
name = "note one\\ntwo"
""",
        """\
pipeline.toml:2:8: error: steps.fetch[0].name: a name is one line of printable text
    2 | name = "note one\\ntwo"
      |        ^^^^^^^^^^^^^^^""",
    ),
    "placeholder in a name": (
        """\
[scratchpad]
version = "35"
[[steps.fetch]]
name = "note ${verson}"
""",
        """\
pipeline.toml:4:14: error: steps.fetch[0].name: nothing defines ${verson} before the step starts, and a name must be known by then
    4 | name = "note ${verson}"
      |              ^^^^^^^^^
  help: did you mean 'version'?""",
    ),
    "unknown type": (
        """\
[[steps.fetch]]
name = "cpoy one"
""",
        """\
pipeline.toml:2:9: error: steps.fetch[0].name: unknown task type 'cpoy'
    2 | name = "cpoy one"
      |         ^^^^
  help: did you mean 'copy'?""",
    ),
    "unknown type unlike any": (
        """\
[[steps.fetch]]
name = "spark one"
""",
        """\
pipeline.toml:2:9: error: steps.fetch[0].name: unknown task type 'spark'
    2 | name = "spark one"
      |         ^^^^^
  help: known types: copy, crawl, explode, explode_glob, explode_listing, find_latest, note, pair, remember, template""",
    ),
    "duplicate name": (
        """\
[[steps.fetch]]
name = "note one"

[[steps.fetch]]
name = "note one"
""",
        """\
pipeline.toml:5:8: error: steps.fetch[1].name: another task has the name 'note one'
    5 | name = "note one"
      |        ^^^^^^^^^^
  note: pipeline.toml:2:8: the first one is here""",
    ),
    "duplicate by case": (
        """\
[[steps.fetch]]
name = "note one"

[[steps.fetch]]
name = "note One"
""",
        """\
pipeline.toml:5:8: error: steps.fetch[1].name: the name 'note One' differs from 'note one' only in case or Unicode form
    5 | name = "note One"
      |        ^^^^^^^^^^
  note: pipeline.toml:2:8: the first one is here""",
    ),
    "duplicate by Unicode form": (
        """\
[[steps.fetch]]
name = "note caf\u00e9"

[[steps.fetch]]
name = "note cafe\u0301"
""",
        """\
pipeline.toml:5:8: error: steps.fetch[1].name: the name 'note cafe\u0301' differs from 'note caf\u00e9' only in case or Unicode form
    5 | name = "note cafe\u0301"
      |        ^^^^^^^^^^^
  note: pipeline.toml:2:8: the first one is here""",
    ),
    "duplicate after replacement": (
        """\
[scratchpad]
v = "one"
[[steps.fetch]]
name = "note one"

[[steps.fetch]]
name = "note ${v}"
""",
        """\
pipeline.toml:7:8: error: steps.fetch[1].name: another task has the name 'note one'
    7 | name = "note ${v}"
      |        ^^^^^^^^^^^
  note: pipeline.toml:4:8: the first one is here""",
    ),
    "missing field": (
        """\
[[steps.fetch]]
name = "copy one"
destination = "b"
""",
        """\
pipeline.toml:2:8: error: steps.fetch[0].source: the field 'source' is missing: copy cannot do without
    2 | name = "copy one"
      |        ^^^^^^^^^^
  help: add source = … (text)""",
    ),
    "unknown field": (
        """\
[[steps.fetch]]
name = "copy one"
sourc = "x"
source = "a"
destination = "b"
""",
        """\
pipeline.toml:3:1: error: steps.fetch[0].sourc: copy has no field 'sourc'
    3 | sourc = "x"
      | ^^^^^
  help: did you mean 'source'?""",
    ),
    "unknown field unlike any": (
        """\
[[steps.fetch]]
name = "template one"
text = ""
colour = 1
""",
        """\
pipeline.toml:4:1: error: steps.fetch[0].colour: template has no field 'colour'
    4 | colour = 1
      | ^^^^^^
  help: template has text""",
    ),
    "reserved field": (
        """\
[[steps.fetch]]
name = "note one"
model_dump = 1
""",
        """\
pipeline.toml:3:1: error: steps.fetch[0].model_dump: the name 'model_dump' belongs to otter and can be no field
    3 | model_dump = 1
      | ^^^^^^^^^^""",
    ),
    "text for an integer": (
        """\
[[steps.fetch]]
name = "copy one"
retries_allowed = "five"
source = "a"
destination = "b"
""",
        """\
pipeline.toml:3:19: error: steps.fetch[0].retries_allowed: expected an integer, got the text 'five'
    3 | retries_allowed = "five"
      |                   ^^^^^^""",
    ),
    "number for text": (
        """\
[[steps.fetch]]
name = "copy one"
source = 5
destination = "b"
""",
        """\
pipeline.toml:3:10: error: steps.fetch[0].source: expected text, got the integer 5
    3 | source = 5
      |          ^""",
    ),
    "not one of a list": (
        """\
[[steps.fetch]]
name = "copy one"
mode = "copy"
source = "a"
destination = "b"
""",
        """\
pipeline.toml:3:8: error: steps.fetch[0].mode: expected one of 'move', 'link', got the text 'copy'
    3 | mode = "copy"
      |        ^^^^^^""",
    ),
    "text for a boolean": (
        """\
[[steps.fetch]]
name = "copy one"
strict = "maybe"
source = "a"
destination = "b"
""",
        """\
pipeline.toml:3:10: error: steps.fetch[0].strict: expected true or false, got the text 'maybe'
    3 | strict = "maybe"
      |          ^^^^^^^""",
    ),
    "text for a number": (
        """\
[[steps.fetch]]
name = "copy one"
ratio = "half"
source = "a"
destination = "b"
""",
        """\
pipeline.toml:3:9: error: steps.fetch[0].ratio: expected a number, got the text 'half'
    3 | ratio = "half"
      |         ^^^^^^""",
    ),
    "array for a path": (
        """\
[[steps.fetch]]
name = "copy one"
source = "a"
destination = ["b"]
""",
        """\
pipeline.toml:4:15: error: steps.fetch[0].destination: expected a path, got an array
    4 | destination = ["b"]
      |               ^^^^^""",
    ),
    "element of an array": (
        """\
[[steps.fetch]]
name = "copy one"
columns = ["a", 2, "c"]
source = "a"
destination = "b"
""",
        """\
pipeline.toml:3:17: error: steps.fetch[0].columns[1]: expected text, got the integer 2
    3 | columns = ["a", 2, "c"]
      |                 ^""",
    ),
    "value of a table": (
        """\
[[steps.fetch]]
name = "copy one"
source = "a"
destination = "b"
settings = { a = 1, "b.c" = "x" }
""",
        """\
pipeline.toml:5:29: error: steps.fetch[0].settings."b.c": expected an integer, got the text 'x'
    5 | settings = { a = 1, "b.c" = "x" }
      |                             ^^^""",
    ),
    "value of a table under a header": (
        """\
[[steps.fetch]]
name = "copy one"
source = "a"
destination = "b"
[steps.fetch.settings]
a = 1
b = "x"
""",
        """\
pipeline.toml:7:5: error: steps.fetch[0].settings.b: expected an integer, got the text 'x'
    7 | b = "x"
      |     ^^^""",
    ),
    "no arm of a union": (
        """\
[[steps.fetch]]
name = "copy one"
headers = 5
source = "a"
destination = "b"
""",
        """\
pipeline.toml:3:11: error: steps.fetch[0].headers: expected text or a table, got the integer 5
    3 | headers = 5
      |           ^""",
    ),
    "text for a date": (
        """\
[[steps.fetch]]
name = "copy one"
day = "tomorrow"
source = "a"
destination = "b"
""",
        """\
pipeline.toml:3:7: error: steps.fetch[0].day: expected a date, got the text 'tomorrow'
    3 | day = "tomorrow"
      |       ^^^^^^^^^^""",
    ),
    "integer beyond 64 bits": (
        """\
[[steps.fetch]]
name = "note one"
size = 18446744073709551616
""",
        """\
pipeline.toml:3:8: error: steps.fetch[0].size: an integer has 64 bits at most
    3 | size = 18446744073709551616
      |        ^^^^^^^^^^^^^^^^^^^^""",
    ),
    "not a number in an array": (
        """\
[[steps.fetch]]
name = "note one"
sizes = [1.5, nan]
""",
        """\
pipeline.toml:3:15: error: steps.fetch[0].sizes[1]: nan is no value that a task can get: JSON has none such
    3 | sizes = [1.5, nan]
      |               ^^^""",
    ),
    "wrong type by a placeholder": (
        """\
[scratchpad]
how_often = "often"
[[steps.fetch]]
name = "copy one"
retries_allowed = "${how_often}"
source = "a"
destination = "b"
""",
        """\
pipeline.toml:5:19: error: steps.fetch[0].retries_allowed: expected an integer, got the text 'often'
    5 | retries_allowed = "${how_often}"
      |                   ^^^^^^^^^^^^^^
  note: pipeline.toml:2:13: the value of ${how_often} is defined here""",
    ),
    "templates are text": (
        """\
[[steps.fetch]]
name = "explode all"
foreach = ["a"]
do = "copy"
""",
        """\
pipeline.toml:4:6: error: steps.fetch[0].do: expected an array of tables, got the text 'copy'
    4 | do = "copy"
      |      ^^^^^^""",
    ),
    "ignore missing is text": (
        """\
[[steps.fetch]]
name = "note one"
scratchpad_ignore_missing = "perhaps"
""",
        """\
pipeline.toml:3:29: error: steps.fetch[0].scratchpad_ignore_missing: expected true or false, got the text 'perhaps'
    3 | scratchpad_ignore_missing = "perhaps"
      |                             ^^^^^^^^^""",
    ),
    "own check of a type": (
        """\
[[steps.fetch]]
name = "pair one"
number = 3
""",
        """\
pipeline.toml:3:10: error: steps.fetch[0].number: expected an even number, got 3
    3 | number = 3
      |          ^""",
    ),
    "policy is text": (
        """\
[[steps.fetch]]
name = "note one"
policy = "retry"
""",
        """\
pipeline.toml:3:10: error: steps.fetch[0].policy: expected a table, got the text 'retry'
    3 | policy = "retry"
      |          ^^^^^^^
  help: policy = { retries = 2 }""",
    ),
    "policy key": (
        """\
[[steps.fetch]]
name = "note one"
policy = { retry = 2 }
""",
        """\
pipeline.toml:3:12: error: steps.fetch[0].policy.retry: unknown policy key 'retry'
    3 | policy = { retry = 2 }
      |            ^^^^^
  help: did you mean 'retries'?""",
    ),
    "policy timeout": (
        """\
[[steps.fetch]]
name = "note one"
policy.timeout = "10 parsecs"
""",
        """\
pipeline.toml:3:18: error: steps.fetch[0].policy.timeout: '10 parsecs' is not a duration: write seconds, or a text such as '90s', '10m' or '1h30m'
    3 | policy.timeout = "10 parsecs"
      |                  ^^^^^^^^^^^^""",
    ),
    "policy retries": (
        """\
[[steps.fetch]]
name = "note one"
policy = { retries = -1 }
""",
        """\
pipeline.toml:3:22: error: steps.fetch[0].policy.retries: expected 0 to 1000 retries, got -1
    3 | policy = { retries = -1 }
      |                      ^^""",
    ),
    "policy backoff": (
        """\
[[steps.fetch]]
name = "note one"
policy = { backoff = "linear" }
""",
        """\
pipeline.toml:3:22: error: steps.fetch[0].policy.backoff: expected one of 'fixed', 'exponential', got the text 'linear'
    3 | policy = { backoff = "linear" }
      |                      ^^^^^^^^""",
    ),
    "unknown pool": (
        """\
[pools]
ebi = 4
[[steps.fetch]]
name = "note one"
policy = { uses = "eib" }
""",
        """\
pipeline.toml:5:19: error: steps.fetch[0].policy.uses: unknown pool 'eib'
    5 | policy = { uses = "eib" }
      |                   ^^^^^
  help: did you mean 'ebi'?""",
    ),
    "more than a pool has": (
        """\
[pools]
ebi = 4
[[steps.fetch]]
name = "note one"
policy = { uses = { ebi = 5 } }
""",
        """\
pipeline.toml:5:27: error: steps.fetch[0].policy.uses.ebi: 5 is more than the pool 'ebi' has, so that the task could never start
    5 | policy = { uses = { ebi = 5 } }
      |                           ^
  note: pipeline.toml:2:7: its size is 4""",
    ),
    "none of a pool": (
        """\
[pools]
ebi = 4
[[steps.fetch]]
name = "note one"
policy = { uses = { ebi = 0 } }
""",
        """\
pipeline.toml:5:27: error: steps.fetch[0].policy.uses.ebi: expected an amount of at least 1, got 0
    5 | policy = { uses = { ebi = 0 } }
      |                           ^""",
    ),
    "requires is text": (
        """\
[[steps.fetch]]
name = "note one"
requires = "note two"
""",
        """\
pipeline.toml:3:12: error: steps.fetch[0].requires: expected an array of names, got the text 'note two'
    3 | requires = "note two"
      |            ^^^^^^^^^^
  help: write requires = ["note two"]""",
    ),
    "requires a number": (
        """\
[[steps.fetch]]
name = "note one"
requires = [5]
""",
        """\
pipeline.toml:3:13: error: steps.fetch[0].requires[0]: expected a name, got the integer 5
    3 | requires = [5]
      |             ^""",
    ),
    "unknown requirement": (
        """\
[[steps.fetch]]
name = "note one"

[[steps.fetch]]
name = "note two"
requires = ["note oen"]
""",
        """\
pipeline.toml:6:13: error: steps.fetch[1].requires[0]: no task of this step has the name 'note oen'
    6 | requires = ["note oen"]
      |             ^^^^^^^^^^
  help: did you mean 'note one'?""",
    ),
    "self-requirement": (
        """\
[[steps.fetch]]
name = "note one"
requires = ["note one"]
""",
        """\
pipeline.toml:3:13: error: steps.fetch[0].requires[0]: a task cannot require itself
    3 | requires = ["note one"]
      |             ^^^^^^^^^^""",
    ),
    "required twice": (
        """\
[[steps.fetch]]
name = "note one"
[[steps.fetch]]
name = "note two"
requires = ["note one", "note one"]
""",
        """\
pipeline.toml:5:25: warning: steps.fetch[1].requires[1]: 'note one' is required twice
    5 | requires = ["note one", "note one"]
      |                         ^^^^^^^^^^""",
    ),
    "cycle": (
        """\
[[steps.fetch]]
name = "note a"
requires = ["note c"]

[[steps.fetch]]
name = "note b"
requires = ["note a"]

[[steps.fetch]]
name = "note c"
requires = [
    "note b",
]
""",
        """\
pipeline.toml:3:13: error: steps.fetch[0].requires[0]: these tasks wait for each other: note a -> note c -> note b -> note a
    3 | requires = ["note c"]
      |             ^^^^^^^^
  note: pipeline.toml:3:13: 'note a' requires 'note c'
  note: pipeline.toml:12:5: 'note c' requires 'note b'
  note: pipeline.toml:7:13: 'note b' requires 'note a'""",
    ),
    "placeholder in a requirement": (
        """\
[[steps.fetch]]
name = "note one"
requires = ["note ${two}"]
""",
        """\
pipeline.toml:3:19: error: steps.fetch[0].requires[0]: nothing defines ${two}
    3 | requires = ["note ${two}"]
      |                   ^^^^^^
  help: define it under [scratchpad], or write $$ for a dollar""",
    ),
    "undefined placeholder": (
        """\
[scratchpad]
version = "35"
[[steps.fetch]]
name = "copy one"
source = "https://example.org/${versoin}/a"
destination = "b"
""",
        """\
pipeline.toml:5:31: error: steps.fetch[0].source: nothing defines ${versoin}
    5 | source = "https://example.org/${versoin}/a"
      |                               ^^^^^^^^^^
  help: did you mean 'version'?""",
    ),
    "undefined placeholder in a table": (
        """\
[[steps.fetch]]
name = "note one"
settings = { a = ["x", "${y}"] }
""",
        """\
pipeline.toml:3:25: error: steps.fetch[0].settings.a[1]: nothing defines ${y}
    3 | settings = { a = ["x", "${y}"] }
      |                         ^^^^
  help: define it under [scratchpad], or write $$ for a dollar""",
    ),
    "placeholder without order": (
        """\
[[steps.fetch]]
name = "find_latest one"
source = "a"
scratchpad_key = "latest"

[[steps.fetch]]
name = "copy one"
source = "${latest}"
destination = "b"
""",
        """\
pipeline.toml:8:11: warning: steps.fetch[1].source: ${latest} is stored by 'find_latest one', for which this task does not wait
    8 | source = "${latest}"
      |           ^^^^^^^^^
  help: requires = ["find_latest one"]
  note: pipeline.toml:4:18: it is stored by this task""",
    ),
    "template without a name": (
        """\
[[steps.fetch]]
name = "explode all"
foreach = ["homo", "mus"]
[[steps.fetch.do]]
source = "a"
destination = "b"
""",
        """\
pipeline.toml:4:15: error: steps.fetch[0].do[0].name: a task needs a name
    4 | [[steps.fetch.do]]
      |               ^^
  help: write name = "TYPE description\"""",
    ),
    "template is text": (
        """\
[[steps.fetch]]
name = "explode all"
foreach = ["a"]
do = ["copy one"]
""",
        """\
pipeline.toml:4:7: error: steps.fetch[0].do[0]: expected a table, got the text 'copy one'
    4 | do = ["copy one"]
      |       ^^^^^^^^^^""",
    ),
    "unknown type of a template": (
        """\
[[steps.fetch]]
name = "explode all"
foreach = ["homo", "mus"]
[[steps.fetch.do]]
name = "cpoy ${each}"
""",
        """\
pipeline.toml:5:9: error: steps.fetch[0].do[0].name: unknown task type 'cpoy'
    5 | name = "cpoy ${each}"
      |         ^^^^
  help: did you mean 'copy'?""",
    ),
    "missing field of a template": (
        """\
[[steps.fetch]]
name = "explode all"
foreach = ["homo", "mus"]
[[steps.fetch.do]]
name = "copy ${each}"
source = "a"
""",
        """\
pipeline.toml:5:8: error: steps.fetch[0].do[0].destination: the field 'destination' is missing: copy cannot do without
    5 | name = "copy ${each}"
      |        ^^^^^^^^^^^^^^
  help: add destination = … (a path)""",
    ),
    "wrong type by each": (
        """\
[[steps.fetch]]
name = "explode all"
foreach = ["homo", "mus"]
[[steps.fetch.do]]
name = "copy ${each}"
retries_allowed = "${each}"
source = "a"
destination = "b"
""",
        """\
pipeline.toml:6:19: error: steps.fetch[0].do[0].retries_allowed: expected an integer, got the text 'homo' (with each = 'homo')
    6 | retries_allowed = "${each}"
      |                   ^^^^^^^^^
  note: pipeline.toml:3:12: ${each} takes its value here""",
    ),
    "duplicate by template": (
        """\
[[steps.fetch]]
name = "explode all"
foreach = ["homo", "mus"]
[[steps.fetch.do]]
name = "note all"
""",
        """\
pipeline.toml:5:8: error: steps.fetch[0].do[0].name: two tasks made of this template have the name 'note all': with each = 'homo' and with each = 'mus'
    5 | name = "note all"
      |        ^^^^^^^^^^
  help: put the placeholder of foreach into the name""",
    ),
    "duplicate by foreach": (
        """\
[[steps.fetch]]
name = "explode all"
foreach = ["homo", "homo"]
[[steps.fetch.do]]
name = "note ${each}"
""",
        """\
pipeline.toml:5:8: error: steps.fetch[0].do[0].name: two tasks made of this template have the name 'note homo': with each = 'homo' and with each = 'homo'
    5 | name = "note ${each}"
      |        ^^^^^^^^^^^^^^
  help: name the value once in foreach""",
    ),
    "template duplicates a task": (
        """\
[[steps.fetch]]
name = "note mus"

[[steps.fetch]]
name = "explode all"
foreach = ["homo", "mus"]
[[steps.fetch.do]]
name = "note ${each}"
""",
        """\
pipeline.toml:8:8: error: steps.fetch[1].do[0].name: another task has the name 'note mus' (with each = 'mus')
    8 | name = "note ${each}"
      |        ^^^^^^^^^^^^^^
  note: pipeline.toml:2:8: the first one is here""",
    ),
    "undefined placeholder of a template": (
        """\
[[steps.fetch]]
name = "explode all"
foreach = ["homo", "mus"]
[[steps.fetch.do]]
name = "note ${each}"
text = "${eech}"
""",
        """\
pipeline.toml:6:9: error: steps.fetch[0].do[0].text: nothing defines ${eech}
    6 | text = "${eech}"
      |         ^^^^^^^
  help: did you mean 'each'?""",
    ),
    "unknown requirement of a template": (
        """\
[[steps.fetch]]
name = "explode all"
foreach = ["homo", "mus"]
[[steps.fetch.do]]
name = "note ${each}"
requires = ["note ${each} genes"]
""",
        """\
pipeline.toml:6:13: error: steps.fetch[0].do[0].requires[0]: no task of this step has the name 'note homo genes' (with each = 'homo')
    6 | requires = ["note ${each} genes"]
      |             ^^^^^^^^^^^^^^^^^^^^
  help: did you mean 'note homo'?""",
    ),
    "requirement on what is never made": (
        """\
[[steps.fetch]]
name = "explode all"
foreach = ["homo", "mus"]
[[steps.fetch.do]]
name = "note ${each}"

[[steps.fetch]]
name = "note last"
requires = ["note rat"]
""",
        """\
pipeline.toml:9:13: error: steps.fetch[1].requires[0]: no task of this step has the name 'note rat'
    9 | requires = ["note rat"]
      |             ^^^^^^^^^^
  help: did you mean 'note last'?""",
    ),
    "template requires its generator": (
        """\
[[steps.fetch]]
name = "explode all"
foreach = ["homo", "mus"]
[[steps.fetch.do]]
name = "note ${each}"
requires = ["explode all"]
""",
        """\
pipeline.toml:6:13: error: steps.fetch[0].do[0].requires[0]: these tasks wait for each other: note homo -> explode all -> note homo
    6 | requires = ["explode all"]
      |             ^^^^^^^^^^^^^
  help: requiring a generator means: after all that it generated
  note: pipeline.toml:6:13: 'note homo' requires 'explode all'
  note: pipeline.toml:5:8: 'explode all' is done when 'note homo' is, which it makes""",
    ),
    "cycle through generators": (
        """\
[[steps.fetch]]
name = "explode a"
foreach = ["x"]
requires = ["explode b"]
do = [{ name = "note a ${each}" }]

[[steps.fetch]]
name = "explode b"
foreach = ["x"]
do = [{ name = "note b ${each}", requires = ["note a x"] }]
""",
        """\
pipeline.toml:4:13: error: steps.fetch[0].requires[0]: these tasks wait for each other: explode a -> explode b -> note b x -> note a x -> explode a
    4 | requires = ["explode b"]
      |             ^^^^^^^^^^^
  help: requiring a generator means: after all that it generated
  note: pipeline.toml:4:13: 'explode a' requires 'explode b'
  note: pipeline.toml:10:16: 'explode b' is done when 'note b x' is, which it makes
  note: pipeline.toml:10:46: 'note b x' requires 'note a x'
  note: pipeline.toml:5:16: 'note a x' is made by 'explode a'""",
    ),
    "templates of unknown values require themselves": (
        """\
[[steps.fetch]]
name = "explode_glob all"
glob = "*.txt"
[[steps.fetch.do]]
name = "note ${match_stem}"
requires = ["note ${match_stem}"]
""",
        """\
pipeline.toml:6:13: error: steps.fetch[0].do[0].requires[0]: a task cannot require itself
    6 | requires = ["note ${match_stem}"]
      |             ^^^^^^^^^^^^^^^^^^^^""",
    ),
    "nested template": (
        """\
[[steps.fetch]]
name = "explode outer"
foreach = ["x", "y"]
[[steps.fetch.do]]
name = "explode inner ${each}"
each_placeholder = "part"
foreach = ["1", "2"]
[[steps.fetch.do.do]]
name = "copy ${each} ${part}"
source = "a"
destinaton = "b"
""",
        """\
pipeline.toml:9:8: error: steps.fetch[0].do[0].do[0].destination: the field 'destination' is missing: copy cannot do without
    9 | name = "copy ${each} ${part}"
      |        ^^^^^^^^^^^^^^^^^^^^^^
  help: add destination = … (a path)
pipeline.toml:11:1: error: steps.fetch[0].do[0].do[0].destinaton: copy has no field 'destinaton'
   11 | destinaton = "b"
      | ^^^^^^^^^^
  help: did you mean 'destination'?""",
    ),
    "shadowed name": (
        """\
[scratchpad]
each = "x"
[[steps.fetch]]
name = "explode all"
foreach = ["homo", "mus"]
[[steps.fetch.do]]
name = "note ${each}"
""",
        """\
pipeline.toml:4:8: warning: steps.fetch[0]: ${each} is defined by the scratchpad too, which wins: these templates never see their own
    4 | name = "explode all"
      |        ^^^^^^^^^^^^^
  help: give it another name
  note: pipeline.toml:2:8: the value of ${each} is defined here""",
    ),
    "shadowed by the generator around": (
        """\
[[steps.fetch]]
name = "explode outer"
foreach = ["x", "y"]
[[steps.fetch.do]]
name = "explode inner ${each}"
foreach = ["1"]
do = [{ name = "note ${each} inner" }]
""",
        """\
pipeline.toml:5:8: warning: steps.fetch[0].do[0]: ${each} is defined by a generator around this one too, which wins: these templates never see their own
    5 | name = "explode inner ${each}"
      |        ^^^^^^^^^^^^^^^^^^^^^^^
  help: give it another name""",
    ),
}
