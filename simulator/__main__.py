"""`python -m simulator`: the same command as `alvys-sage simulator`."""

import typer

from simulator.cli import simulator

if __name__ == "__main__":
    typer.run(simulator)
