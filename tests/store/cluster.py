"""A second PostgreSQL server beside the tests' own: the new machine after a disaster."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.conftest import ROOT

TOOLS = str(ROOT / "scripts" / "services") + " run"
LOCAL = ROOT / ".local"
CONFIG = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
timescaledb.max_background_workers = 2
max_worker_processes = 8
max_locks_per_transaction = 256
timezone = 'UTC'
"""


def need_own_server(services):
    """The second server has the same programs and versions only as scripts/services' own."""
    ports = LOCAL / "services" / "ports"
    port = urlsplit(services.admin_url).port
    if not ports.exists() or f"postgres={port}" not in ports.read_text("ascii").split():
        pytest.skip("the database server is not one that scripts/services started")


class Folder:
    """A folder that the database's user may write to, and where its programs see it."""

    def __init__(self, name):
        self.path = LOCAL / f"{name}-{secrets.token_hex(4)}"
        self.path.mkdir()
        self.path.chmod(0o777)
        # scripts/services binds .local there for its programs, where it runs as root.
        local = Path("/srv") if os.geteuid() == 0 else LOCAL
        self.seen = local / self.path.name

    def remove(self):
        shutil.rmtree(self.path)


def run(program, *arguments, password=""):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HEARTHLINE_")}
    done = subprocess.run(
        [*TOOLS.split(), program, *map(str, arguments)],
        check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, env=environment | {"PGPASSWORD": password},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


class Cluster:
    """`data` is a name inside `folder`; what is there already (a base backup) is started."""

    def __init__(self, folder, data="data", password=""):
        self.folder, self.data = folder, data
        self.password = password or secrets.token_hex(8)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    @property
    def url(self):
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    def make(self):
        (self.folder.path / "password").write_text(self.password, "ascii")
        run(
            "initdb", "-D", self.folder.seen / self.data, "-U", "postgres", "--no-sync",
            "--auth=scram-sha-256", f"--pwfile={self.folder.seen / 'password'}",
            "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums",
        )  # fmt: skip

    def configure(self, text):
        with (self.folder.path / self.data / "postgresql.conf").open("a") as file:
            file.write(text)

    def start(self):
        run(
            "pg_ctl", "-D", self.folder.seen / self.data, "-l", self.folder.seen / "server.log",
            "-o", f"-p {self.port}", "-w", "-t", "60", "start",
        )  # fmt: skip

    def stop(self):
        run("pg_ctl", "-D", self.folder.seen / self.data, "-w", "-m", "immediate", "stop")

    def destroy(self):
        """The server ends as in a crash, and its disk is gone."""
        self.stop()
        shutil.rmtree(self.folder.path / self.data)

    @property
    def there(self):
        return (self.folder.path / self.data).exists()

    def connect(self, database="postgres"):
        url = self.url.removesuffix("postgres") + database
        return psycopg.connect(url, autocommit=True)


class Archive:
    """What the runbook keeps on another machine: a base backup, and the log as it is written."""

    def __init__(self, url, folder):
        parts = urlsplit(url)
        self.password, self.folder = parts.password, folder
        self.address = url.replace(f":{self.password}@", "@")

    def start(self):
        self._receiver("--create-slot")
        self.receiver = subprocess.Popen(
            [
                *TOOLS.split(), "pg_receivewal", "-d", self.address, "--slot=archive",
                "--synchronous", "--no-password", "-D", str(self.folder.seen),
            ],
            env={**os.environ, "PGPASSWORD": self.password}, start_new_session=True,
        )  # fmt: skip
        run(
            "pg_basebackup", "-d", self.address, "-D", self.folder.seen / "base",
            "--wal-method=none", "--checkpoint=fast", "--no-password", password=self.password,
        )  # fmt: skip

    def stop(self):
        os.killpg(self.receiver.pid, signal.SIGTERM)
        self.receiver.wait()

    def drop_slot(self):
        self._receiver("--drop-slot")

    def _receiver(self, act):
        run("pg_receivewal", "-d", self.address, act, "--slot=archive", password=self.password)

    def restored(self, target=""):
        """A server that starts on the base backup and follows the log, to `target` or its end."""
        cluster = Cluster(self.folder, "base", password=self.password)
        wal = self.folder.seen
        cluster.configure(
            f"restore_command = 'cp {wal}/%f %p || cp {wal}/%f.partial %p'\n"
            f"recovery_target_action = 'promote'\n{target}\n"
        )
        (self.folder.path / "base" / "recovery.signal").touch()
        cluster.start()
        return cluster
