"""The command line of cluster/test."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

from localcluster import versions

from . import SOURCE, Failed, Suite, none, pods


def main():
    parser = argparse.ArgumentParser(prog="cluster/test", description="Tests the local cluster itself.")
    parser.add_argument("--nodes", action="append", choices=["none", "simulated", "real"],
                        help="test this mode only; repeatable (default: none, and real as root, else simulated)")
    parser.add_argument("--keep", action="store_true", help="leave the clusters of a failed test running")
    given = parser.parse_args()
    modes = given.nodes or ["none", "real" if os.geteuid() == 0 else "simulated"]
    if "real" in modes and os.geteuid() != 0:
        print("cannot test a real node without root: --nodes none, --nodes simulated", file=sys.stderr)
        return 2
    if versions.VARIABLE in os.environ:
        print(f"this tests with the default version of Kubernetes: unset {versions.VARIABLE}", file=sys.stderr)
        return 2
    tests = {"none": none.run, "simulated": pods.run_simulated, "real": pods.run_real}
    for mode in modes:
        command_build = [str(SOURCE / "build"), "--nodes", mode]
        subprocess.run(command_build, check=True, timeout=7200)
    for mode in modes:
        print(f"--- --nodes {mode}", flush=True)
        # Short: sockets lie below it. Resolved paths only: the directory's name is the cluster's.
        work = tempfile.mkdtemp(prefix="cluster-test-")
        suite = Suite(work)
        try:
            tests[mode](suite)
        except (Failed, subprocess.TimeoutExpired) as failure:
            print(f"error: {failure}", file=sys.stderr)
            if given.keep:
                print(f"left running, as asked: {work}", file=sys.stderr)
                return 1
            suite.clean_up()
            shutil.rmtree(work, ignore_errors=True)
            return 1
        except KeyboardInterrupt:
            suite.clean_up()
            shutil.rmtree(work, ignore_errors=True)
            return 130
        suite.clean_up()
        shutil.rmtree(work, ignore_errors=True)
    print("all passed")
    return 0


sys.exit(main())
