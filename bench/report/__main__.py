"""`python -m bench.report`."""

import sys

from bench.cli.app import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
