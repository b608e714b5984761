"""What happens to the commands when their input is bad, and when they are killed: `python -m tests.campaign --help`."""
