"""`python -m tests.docs`: write the reference pages anew."""

from __future__ import annotations

from tests.docs.reference import PAGES, REFERENCE

PAGES.mkdir(parents=True, exist_ok=True)
for name, make in REFERENCE.items():
    (PAGES / name).write_text(make(), "utf-8")
