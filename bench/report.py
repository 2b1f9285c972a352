"""How a benchmark tells: progress on stderr; figures on stdout, as a table or as one JSON line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, is_dataclass
from typing import Any


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def show(figures: dict[str, Any], ratios: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"figures": figures, "ratios": ratios}, default=_plain) + "\n")
        return
    for line in table({**figures, "ratios": ratios}):
        sys.stdout.write(f"{line}\n")


def tell(report: dict[str, Any], *, as_json: bool) -> None:
    """What is no benchmark: its keys are its own."""
    lines = [json.dumps(report, default=_plain)] if as_json else table(report)
    sys.stdout.writelines(f"{line}\n" for line in lines)


def table(figures: dict[str, Any], indent: str = "") -> list[str]:
    """One line a figure; a set of percentiles is one line."""
    lines = []
    for name, value in figures.items():
        if is_dataclass(value) and not isinstance(value, type):
            told = "  ".join(f"{k.removesuffix('_ms')} {v:g}" for k, v in asdict(value).items())
            lines.append(f"{indent}{name:34} {told}")
        elif isinstance(value, dict):
            lines += [f"{indent}{name}", *table(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name:34} {value}")
    return lines


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} is no figure")
