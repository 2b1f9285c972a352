"""`hearthline PART …`: one entrance to the parts. Each is imported only when it is called."""

from __future__ import annotations

import runpy
import sys

PARTS = {
    "gateway": "the box in the home: run, pair",
    "ingest": "broker to database; replay: the quarantine from the command line",
    "alerts": "readings to alerts and care tasks",
    "ccm_link": "evaluate a month, end abandoned timers",
    "store": "migrate, provision, backup, restore, retain, audit-key, audit-seal, audit-verify",
    "api": "the console: serve, open-clinic, openapi",
    "devices": "decode a Bluetooth characteristic",
}


def main() -> None:
    """Hand over to `python -m PART` in this process.

    A part that is not installed (a gateway has no database driver) says which extra it needs.
    """
    if len(sys.argv) < 2 or sys.argv[1] not in PARTS:  # noqa: PLR2004 -- the command and its part
        wanted = "\n".join(f"  {name:8} {what}" for name, what in PARTS.items())
        asked_for_help = sys.argv[1:2] in ([], ["--help"], ["-h"])
        stream = sys.stdout if asked_for_help else sys.stderr
        stream.write(f"usage: hearthline PART …\n{wanted}\n")
        sys.exit(0 if asked_for_help else 2)
    part = sys.argv.pop(1)
    sys.argv[0] = f"hearthline {part}"
    try:
        runpy.run_module(part, run_name="__main__")
    except ModuleNotFoundError as missing:
        sys.exit(
            f"hearthline {part}: {missing.name} is missing; install hearthline[gateway,server]"
        )


if __name__ == "__main__":
    main()
