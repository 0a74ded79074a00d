"""Runs the sample shop behind the gateway: `make demo`, and `make demo CHECK=1` without a person. With `KUBE=1` the
gateway reads the manifests from a Kubernetes API server instead of a directory.

usage: python scripts/demo [--kube] [--check]
"""
from __future__ import annotations

import argparse
import signal
import sys

import checks
import tour
from kube import ClusterStage
from program import DemoError
from stage import DirectoryStage


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs the sample shop behind the gateway.")
    parser.add_argument("--check", action="store_true", help="try everything unattended, and exit")
    parser.add_argument("--kube", action="store_true", help="read the manifests from a Kubernetes API server")
    options = parser.parse_args()
    # A shell that puts it into the background has it ignore Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        with (ClusterStage if options.kube else DirectoryStage)(quiet=options.check) as stage:
            if options.check:
                return 0 if checks.run(stage) else 1
            tour.show(stage)
            tour.stay(stage)
    except DemoError as error:
        print(f"demo: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: stopped", file=sys.stderr)
        # Ctrl-C is how the tour ends; a check that was cut short did not pass.
        return 1 if options.check else 0


sys.exit(main())
