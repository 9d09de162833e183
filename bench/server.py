"""A real S3 server, versitygw, for as long as a scenario takes."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data import remove

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "xtbench",
    "AWS_SECRET_ACCESS_KEY": "xtbenchsecret",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Place:
    """A bucket of its own, and the prefix in it that a tool is to use."""

    endpoint: str
    bucket: str
    folder: Path  # what the server keeps below the prefix
    prefix: str = "some/prefix"

    def url(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def stored(self) -> tuple[int, int]:
        """The number of objects and their bytes, as the server has them on its disk."""
        count = size = 0
        for top, _, names in os.walk(self.folder):
            count += len(names)
            size += sum(Path(top, name).lstat().st_size for name in names)
        return count, size


class Server:
    """A server that runs."""

    def __init__(self, endpoint: str, root: Path) -> None:
        self.endpoint, self.root, self.made = endpoint, root, 0

    @contextmanager
    def place(self) -> Iterator[Place]:
        """A place that nobody has used. What comes there is gone afterwards, so that memory isn't filled."""
        self.made += 1
        bucket = self.root / f"bench-{self.made:04d}"  # the server takes a folder for a bucket
        bucket.mkdir()
        try:
            yield Place(self.endpoint, bucket.name, bucket / Place.prefix)
        finally:
            remove(bucket)


@contextmanager
def s3(exe: str, folder: Path) -> Iterator[Server]:
    """Runs a server that is reached from this machine alone and keeps its files in folder."""
    address, root, log = f"127.0.0.1:{free_port()}", folder / "root", folder / "log"
    root.mkdir(parents=True)
    child = start([exe, "--port", address, "--quiet", "--keep-alive", "posix", str(root)], log)
    try:
        wait_for(child, address, log)
        yield Server(f"http://{address}", root)
    finally:
        end(child)
        remove(folder)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(argv: list[str], log: Path) -> subprocess.Popen:
    """Starts the server in a session of its own: a Ctrl-C goes to this program, which then ends it."""
    env = {"ROOT_ACCESS_KEY": CREDENTIALS["AWS_ACCESS_KEY_ID"], "ROOT_SECRET_KEY": CREDENTIALS["AWS_SECRET_ACCESS_KEY"]}
    with log.open("wb") as out:
        return subprocess.Popen(argv, cwd=log.parent, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)


def wait_for(child: subprocess.Popen, address: str, log: Path) -> None:
    """Returns when the server answers."""
    host, _, port = address.partition(":")
    late = time.monotonic() + 20
    while child.poll() is None and time.monotonic() < late:
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the S3 server does not run: {log.read_text(errors='replace')[-600:].strip()}")


def end(child: subprocess.Popen) -> None:
    child.terminate()
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
