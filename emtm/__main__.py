"""`python -m emtm`."""

from emtm.cli import app

if __name__ == "__main__":
    app(prog_name="python -m emtm")
