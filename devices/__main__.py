"""`python -m devices decode --characteristic 2A35 --hex 1e…`: one JSON object, or one line why not.

`python -m devices page`: the tables of docs/devices.md.

Exit 0: the measurement is on stdout. Exit 2: stderr says in one line which byte, and why.
"""

from __future__ import annotations

import argparse
import json
import string
import sys
from collections.abc import Sequence
from typing import NoReturn

from devices import json_view, page
from devices.errors import DecodeError

_REFUSED = 2


class _OneLineParser(argparse.ArgumentParser):
    """Says what is wrong without the usage in front of it."""

    def error(self, message: str) -> NoReturn:
        self.exit(_REFUSED, _line(message))


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.command == "page":
        sys.stdout.write(page.page())
        return 0
    try:
        measurement = json_view.view(options.characteristic, _payload(options.hex))
    except DecodeError as exc:
        sys.stderr.write(_line(str(exc)))
        return _REFUSED
    sys.stdout.write(json.dumps(measurement, allow_nan=False) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(prog="devices", description="Read Bluetooth health measurements.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("page", help="print the tables of docs/devices.md")
    decode = commands.add_parser("decode", help="print one characteristic's value as JSON")
    decode.add_argument(
        "--characteristic", required=True, help="a UUID such as 2A35; SD181D; SFLOAT or FLOAT"
    )
    decode.add_argument("--hex", required=True, help="the value, two digits a byte")
    return parser


def _payload(digits: str) -> bytes:
    for index, digit in enumerate(digits):
        if digit not in string.hexdigits:
            raise DecodeError(f"hex: byte {index // 2}: {digit!r} is not a hexadecimal digit")
    if len(digits) % 2:
        raise DecodeError(f"hex: byte {len(digits) // 2}: one digit where a byte needs two")
    return bytes.fromhex(digits)


def _line(message: str) -> str:
    return " ".join(message.split()) + "\n"


if __name__ == "__main__":
    sys.exit(main())
