"""The tokens of app.css keep WCAG 2.2 AA in both themes: text 4.5 to 1, marks 3 to 1."""

from __future__ import annotations

import re

import pytest

from api.render import STATIC

GROUNDS = ("bg", "surface", "sunken")
TEXT = [
    *[(ink, ground) for ink in ("ink", "ink-2", "ink-3") for ground in GROUNDS],
    *[(ink, "accent-soft") for ink in ("ink", "ink-2", "ink-3", "accent", "accent-strong")],
    *[
        (tone, ground)
        for tone in ("accent", "critical", "warning", "notice", "good")
        for ground in GROUNDS[:2]
    ],
    *[(tone, f"{tone}-soft") for tone in ("critical", "warning", "notice", "good")],
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
]
SHAPES = [
    *[
        (mark, "surface")
        for mark in ("warning-mark", "notice-mark", "good-mark", "line-strong", "critical-fill")
    ],
    *[("focus", ground) for ground in (*GROUNDS, "accent-soft")],
    ("accent", "sunken"),
]


def tokens() -> dict[str, tuple[str, str]]:
    css = (STATIC / "css" / "app.css").read_text()
    found = re.findall(r"--([a-z0-9-]+): light-dark\((#\w+), (#\w+)\)", css)
    return {name: (light, dark) for name, light, dark in found}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "ground", "least"),
    [(*pair, 4.5) for pair in TEXT] + [(*pair, 3.0) for pair in SHAPES],
)
def test_contrast(front: str, ground: str, least: float, theme: int) -> None:
    known = tokens()
    assert ratio(known[front][theme], known[ground][theme]) >= least


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_white_is_readable_on_act_now(theme: int) -> None:
    assert ratio("#ffffff", tokens()["critical-fill"][theme]) >= 4.5
