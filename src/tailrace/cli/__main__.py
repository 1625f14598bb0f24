"""`python -m tailrace.cli` is `tailrace`."""

from tailrace.cli.main import run

if __name__ == "__main__":
    run()
