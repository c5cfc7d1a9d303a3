"""What apps cost: requests, CPU, memory and delays of the built operator, on a control plane of its own for each size.

    scripts/bench.sh                        1, 100 and 1,000 apps; prints a table and writes build/bench.json
    scripts/bench.sh --apps 10000           ten namespaces of 1,000 each
    scripts/bench.sh --document             puts them into docs/performance.md as well

The bench plays the deployment controller: each Deployment is up at once, so what is measured is the operator's own
work. Counts do not depend on the machine; times and memory do, and the load beside it is noted with them.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import report  # noqa: E402
from bench.measure import Bench, Figures, broken_floors  # noqa: E402
from support.control_plane import REPOSITORY, ControlPlane  # noqa: E402

DOCUMENT = REPOSITORY / "docs" / "performance.md"


def run(binary: Path, transport: str, apps: int) -> Figures:
    before = os.getloadavg()[0]
    # The servers take the cores that are measured: with fewer collections of garbage they take less of them.
    os.environ["GOGC"] = "400"
    with tempfile.TemporaryDirectory() as folder, ControlPlane(Path(folder) / "plane").serving(keep=False) as cluster:
        cluster.stop("kube-controller-manager")
        bench = Bench(cluster, binary, transport, apps, Path(folder))
        with bench.running():
            for step in (bench.idle, bench.create, bench.rest, bench.no_op, bench.upgrade, bench.reaction, bench.drift,
                         bench.restart, bench.failover):
                print(f"  {step.__name__}", file=sys.stderr, flush=True)
                step()
    bench.figures["conditions"] = (f"{datetime.date.today()}, {os.cpu_count()} cores, "
                                   f"a load of {before:.1f} before the run")
    return bench.figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench.sh", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operator", type=Path, default=REPOSITORY / "build/release/todoapp-operator")
    parser.add_argument("--api-client", choices=["asio", "cpprestsdk"], default="asio")
    parser.add_argument("--apps", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--json", type=Path, default=REPOSITORY / "build/bench.json", help="where the figures go")
    parser.add_argument("--document", action="store_true", help="put them into docs/performance.md as well")
    arguments = parser.parse_args()
    runs: list[Figures] = []
    for apps in arguments.apps:
        print(f"{apps} apps ...", file=sys.stderr, flush=True)
        runs.append(run(arguments.operator.absolute(), arguments.api_client, apps))
        # After each size, so that a long run that is broken off has told something.
        arguments.json.write_text(json.dumps(runs, indent=2) + "\n")
        if arguments.document:
            report.write(report.merged(DOCUMENT, runs), DOCUMENT)
    print(report.table(runs))
    problems = [problem for figures in runs for problem in broken_floors(figures)]
    if problems:
        sys.exit("above the floor:\n" + "\n".join(problems))


if __name__ == "__main__":
    main()
