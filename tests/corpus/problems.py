#!/usr/bin/env python3
"""Compares what `nuncio check` says about the manifests of each case with problems.yaml: everything that is right to say, and nothing else.

    problems.py --check 'nuncio check -o json {dir}' cases/            # compare
    problems.py --check 'nuncio check -o json {dir}' --write cases/    # write problems.yaml anew; then read the difference
"""
from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from run import CaseRun, Certificates, Ports, load

EXPECTED = Path(__file__).with_name("problems.yaml")
HEADER = "# What `nuncio check` says about the manifests of each case; of a case that is not named here: nothing.\n"


def said(check: str, case: dict, manifests: str, directory: Path) -> list[str]:
    """One line a problem: severity, reason, object, field."""
    directory.mkdir(parents=True)
    (directory / "case.yaml").write_text(manifests)
    command = [part.format(dir=directory) for part in shlex.split(check)]
    environment = {**os.environ, **{name: str(value) for name, value in (case.get("env") or {}).items()}}
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment)
    if done.returncode not in (0, 1):
        return [f"exit code {done.returncode}: {done.stderr.strip()}"]
    return sorted(line(problem) for problem in json.loads(done.stdout)["items"])


def line(problem: dict) -> str:
    of = problem.get("object") or {}
    name = f"{of['kind']} {of['namespace']}/{of['name']}" if of else "file"
    return " ".join(filter(None, [problem["severity"], problem["reason"], name, problem.get("field")]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", required=True, metavar="CMD", help="prints the problems of {dir} as JSON")
    parser.add_argument("--jobs", type=int, default=1, help="cases side by side")
    parser.add_argument("--write", action="store_true", help="take what is said for right")
    parser.add_argument("cases", nargs="+", help="directories or files")
    options = parser.parse_args()
    cases = load(options.cases, [], [])
    with tempfile.TemporaryDirectory(prefix="corpus-") as scratch:
        work = Path(scratch)
        certificates, ports = Certificates(work / "certificates"), Ports()
        filled = [CaseRun(case, options, certificates, ports, work).fill([case["manifests"], case.get("env")])
                  for case in cases]
        with ThreadPoolExecutor(options.jobs) as pool:
            came = list(pool.map(lambda one: said(options.check, {**one[0], "env": one[1][1]}, one[1][0],
                                                  work / "manifests" / one[0]["name"]), zip(cases, filled)))
    found = {case["name"]: lines for case, lines in zip(cases, came) if lines}
    if options.write:
        EXPECTED.write_text(HEADER + yaml.safe_dump(found, width=200))
        return 0
    expected = yaml.safe_load(EXPECTED.read_text())
    wrong = [name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)]
    for name in wrong:
        print(f"FAIL check {name}: expected {expected.get(name, [])}, came {found.get(name, [])}")
    print(f"{len(cases) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
