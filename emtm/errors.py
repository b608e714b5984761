"""The one error that the commands turn into a sentence and exit code 2."""


class UserError(Exception):
    """Something the user gave is wrong; the message says what, in one sentence."""
