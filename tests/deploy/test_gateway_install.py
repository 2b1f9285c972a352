"""The box's installer and service: from a wheel with `[gateway]` alone, twice, and into a root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

DEPLOY = ROOT / "deploy" / "gateway"
#: What a box must do without: the server's part, the test's radio, what only pages need.
NEVER = ("pandas", "psycopg", "fastapi", "bumble", "uvicorn", "weasyprint", "numpy", "store", "api")
_LOADED = "import sys, gateway.__main__; print(*[n for n in {names!r} if n in sys.modules])"


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.slow
def test_a_wheel_with_gateway_alone_is_a_whole_box_and_again_is_an_upgrade(
    wheel: Path, tmp_path: Path
) -> None:
    script = str(DEPLOY / "install.sh")
    installed = run(
        "sh", script, "--no-system", str(wheel), ROOT=str(tmp_path), PYTHON=sys.executable
    )
    assert installed.returncode == 0, installed.stderr
    venv = tmp_path / "opt" / "hearthline" / "venv"
    first = venv.resolve()
    loaded = run(str(venv / "bin" / "python"), "-I", "-c", _LOADED.format(names=NEVER))
    assert (loaded.returncode, loaded.stdout.strip()) == (0, ""), loaded.stderr
    for name in ("pandas", "psycopg", "fastapi", "bumble"):
        absent = run(str(venv / "bin" / "python"), "-I", "-c", f"import {name}")
        assert "ModuleNotFoundError" in absent.stderr, name
    doctor = subprocess.run(
        [str(venv / "bin" / "hearthline"), "gateway", "doctor", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert doctor.returncode == 1  # it is nobody's gateway yet
    assert '"check": "enrolment", "verdict": "bad"' in doctor.stdout, doctor.stderr
    own = tmp_path / "etc" / "hearthline" / "gateway.env"
    own.write_text("HEARTHLINE_GATEWAY_REVISIT_S=60\n")
    again = run("sh", script, "--no-system", str(wheel), ROOT=str(tmp_path), PYTHON=sys.executable)
    assert again.returncode == 0, again.stderr
    assert own.read_text() == "HEARTHLINE_GATEWAY_REVISIT_S=60\n"
    assert venv.resolve() != first
    assert not first.exists()


@pytest.mark.parametrize("arguments", [(), ("nowhere.whl",), ("--what", "x.whl")])
def test_it_says_what_it_needs(arguments: tuple[str, ...]) -> None:
    told = run("sh", str(DEPLOY / "install.sh"), "--no-system", *arguments)
    assert told.returncode == 1
    assert told.stderr.startswith("hearthline: ")


def test_a_wheel_that_cannot_be_installed_leaves_what_was_there(tmp_path: Path) -> None:
    broken = tmp_path / "hearthline-9.9-py3-none-any.whl"
    broken.write_bytes(b"no wheel")
    venv = tmp_path / "opt" / "hearthline" / "venv"
    venv.parent.mkdir(parents=True)
    venv.symlink_to("venv-before")
    told = run(
        *("sh", str(DEPLOY / "install.sh"), "--no-system", str(broken)),
        ROOT=str(tmp_path),
        PYTHON=sys.executable,
    )
    assert told.returncode == 1
    assert "what was installed before is as it was" in told.stderr
    assert str(venv.readlink()) == "venv-before"
    assert list(venv.parent.glob("venv-2*")) == []


def test_the_service_is_one_that_systemd_takes(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("needs systemd-analyze")
    unit = (DEPLOY / "hearthline-gateway.service").read_text()
    copy = tmp_path / "hearthline-gateway.service"
    copy.write_text(unit.replace("/opt/hearthline/venv/bin/python", sys.executable))
    told = run(analyze, "verify", "--man=no", str(copy))
    ours = [line for line in told.stderr.splitlines() if "hearthline" in line]
    assert ours == [], told.stderr
    exposure = run(analyze, "security", "--offline=true", str(copy))
    level = re.search(r"exposure level for \S+ ([0-9.]+)", exposure.stdout)
    assert level is not None, exposure.stdout
    assert float(level[1]) < 2.5, exposure.stdout


def test_commands_and_service_read_the_same_settings() -> None:
    unit = (DEPLOY / "hearthline-gateway.service").read_text()
    wrapper = (DEPLOY / "hearthline").read_text()
    for path in ("/opt/hearthline/defaults.env", "/etc/hearthline/gateway.env"):
        assert path in unit
        assert path in wrapper
