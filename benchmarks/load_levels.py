"""The four levels of load, one after another, each on a fresh server: a table, and a report of Locust for each.

python benchmarks/load_levels.py --bundle DIR --images FOLDER [--seconds 60] [--only heavy,stress] --out FOLDER
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from nevus.bundle.usable_cpus import usable_cpus
from serving import HOST, Server, free_port, make_key, served

LEVELS = {
    "light": ("LightUser", 10, 10),
    "normal": ("NormalUser", 50, 25),
    "heavy": ("HeavyUser", 100, 50),
    "stress": ("StressUser", 300, 100),
}
"""Level -> kind of user, how many, how many come a second."""
_HERE = Path(__file__).parent


def run_level(level: str, server: Server, images: Path, seconds: float, out: Path) -> list[dict[str, str]]:
    """Locust's table of a level; its report lies in `out/<level>.html`."""
    kind, users, rate = LEVELS[level]
    command = [sys.executable, "-m", "locust", "-f", str(_HERE / "locustfile.py"), "--headless", "--only-summary"]
    command += ["--host", f"http://{HOST}:{server.port}", "--images", str(images), "--users", str(users)]
    command += ["--spawn-rate", str(rate), "--run-time", f"{seconds:g}s", "--stop-timeout", "30"]
    command += ["--html", str(out / f"{level}.html"), "--csv", str(out / level), "--exit-code-on-error", "0", kind]
    with (out / f"{level}.log").open("wb") as log:
        subprocess.run(command, env={**os.environ, "NEVUS_KEY": server.key}, stdout=log, stderr=log, check=True)
    with (out / f"{level}_stats.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def lines(level: str, table: list[dict[str, str]], seconds: float) -> list[str]:
    """The level's lines of the Markdown table."""
    _, users, _ = LEVELS[level]
    found = []
    for row in sorted(table, key=lambda row: -int(row["Request Count"])):
        if row["Name"] == "Aggregated":
            continue
        told = "told to wait" in row["Name"]
        milliseconds = ["–", "–", "–"] if told else [row["50%"], row["95%"], row["99%"]]
        rate = int(row["Request Count"]) / seconds
        cells = [level, str(users), row["Name"], row["Request Count"], f"{rate:.1f}", *milliseconds]
        found.append("| " + " | ".join([*cells, row["Failure Count"]]) + " |")
    return found


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="folder of JPEGs")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--only", default=",".join(LEVELS), help="which levels, with commas")
    parser.add_argument("--out", type=Path, required=True, help="folder for the reports")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    print(f"{usable_cpus()} processors, load {os.getloadavg()[0]:.1f} before; {asked.seconds:g} s a level\n")
    print("| level | users | what | requests | a second | median ms | p95 ms | p99 ms | failed |")
    print("|---|---|---|---|---|---|---|---|---|")
    failed = 0
    for level in asked.only.split(","):
        with tempfile.TemporaryDirectory(prefix="nevus-load-") as folder:
            home = Path(folder) / "home"
            home.mkdir(mode=0o700)
            key = make_key(home)
            with served(home, bundle=asked.bundle, key=key, port=free_port()) as server:
                table = run_level(level, server, asked.images, asked.seconds, asked.out)
        failed += sum(int(row["Failure Count"]) for row in table if row["Name"] != "Aggregated")
        print("\n".join(lines(level, table, asked.seconds)), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    raise SystemExit(main())
