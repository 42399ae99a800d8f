"""Time siting on published instances and on large made ones, each answer with its bound.

    python tests/benchmarks/siting.py pmedian FILES… --json FILE
    python tests/benchmarks/siting.py pcenter FILES… --json FILE
    python tests/benchmarks/siting.py mclp --points 1000000 --candidates 500 --p 29 --within 240 --json FILE
    python tests/benchmarks/siting.py mclp --instance FILE --radius 400 --p 50 --json FILE

Each subcommand is a module of its own beside this file, with ``add(subparsers)``.
"""

from __future__ import annotations

import argparse
import json
import sys

import areas
import clusters
import orlib


def main() -> None:
    """Run what the command line asks for."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    subparsers = ask.add_subparsers(required=True, metavar="COMMAND")
    for module in (orlib, clusters, areas):
        module.add(subparsers)
    given = ask.parse_args()
    text = json.dumps(given.run(given), indent=2)
    given.json.write_text(text + "\n", encoding="utf-8") if given.json else sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
