"""Downloads of one large product from this archive and from nginx, taking turns: ``python -m benchmarks.transfers``.

Needs ``nginx`` and ``curl``. Both serve the same file to the same client over loopback; CPU seconds are of the serving
processes. The best of the rounds stands in the table.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "jw01234001001_02101_00001_nrca1_cal.fits"
NGINX = """
{user}daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{}}
http {{
  access_log off; sendfile on; tcp_nopush on; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--port", type=int, default=18_480)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        write(folder / "data" / NAME, options.megabytes)
        environment = {**os.environ, "DEEPFIELD_HOME": str(folder / "home")}
        command = Path(sys.executable).with_name("deepfield")
        subprocess.run([command, "ingest", folder / "data"], env=environment, check=True, capture_output=True)
        ours = stack.enter_context(running([command, "serve", "--port", str(options.port)], environment))
        user = "" if os.geteuid() else "user root; "  # else its worker may not read the folder
        (folder / "nginx.conf").write_text(
            NGINX.format(user=user, folder=folder, port=options.port + 1, root=folder / "data")
        )
        peer = stack.enter_context(running(["nginx", "-c", folder / "nginx.conf", "-p", folder], environment))
        servers = {
            "Deepfield": (ours, f"http://127.0.0.1:{options.port}/products/{NAME}"),
            "Deepfield, MAST's address": (
                ours,
                f"http://127.0.0.1:{options.port}/api/v0.1/Download/file?uri=mast:JWST/product/{NAME}",
            ),
            "nginx": (peer, f"http://127.0.0.1:{options.port + 1}/{NAME}"),
        }
        for _, address in servers.values():
            wait_for(address)
        best: dict[str, tuple[float, float]] = {}
        for _ in range(options.rounds):
            for server, (process, address) in servers.items():
                before = cpu_of(process.pid)
                speed = download(address)
                used = cpu_of(process.pid) - before
                best[server] = max(best.get(server, (0.0, 0.0)), (speed, used))
        print("| server | MB/s | of nginx | CPU s |\n|---|---|---|---|")
        for server, (speed, used) in best.items():
            print(f"| {server} | {speed:.0f} | {speed / best['nginx'][0]:.2f} | {used:.2f} |")


def write(path: Path, megabytes: int) -> None:
    """Write an exposure of about this size, of noise that no file system compresses away."""
    primary = fits.PrimaryHDU()
    primary.header.update(TELESCOP="JWST", INSTRUME="NIRCAM", DETECTOR="NRCA1", EXP_TYPE="NRC_IMAGE", PROGRAM="01234")
    side = int((megabytes * 250_000) ** 0.5)
    noise = np.random.default_rng(1).random((side, side), dtype=np.float32)
    path.parent.mkdir(parents=True)
    fits.HDUList([primary, fits.ImageHDU(noise, name="SCI")]).writeto(path)


@contextmanager
def running(command: list[str | Path], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    if shutil.which(command[0]) is None:
        raise SystemExit(f"{command[0]} is not installed")
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def wait_for(address: str) -> None:
    for _ in range(300):
        if subprocess.run(["curl", "-sfI", address], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise SystemExit(f"nobody answers at {address}")


def download(address: str) -> float:
    """Return MB/s."""
    told = subprocess.run(
        ["curl", "-sf", "-o", "/dev/null", "-w", "%{speed_download}", address],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(told.stdout) / 1e6


def cpu_of(pid: int) -> float:
    """CPU seconds of a process and of the children that it has now."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(_own_cpu(each) for each in (str(pid), *children))


def _own_cpu(pid: str) -> float:
    fields = re.sub(r"^.*\) ", "", Path(f"/proc/{pid}/stat").read_text()).split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
