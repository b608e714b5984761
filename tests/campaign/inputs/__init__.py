"""Bad input: every format that is read, through every command that reads it, changed in every way.

`targets` says which commands read what, `mutations` how it is changed, `judge` what a command may do then.
"""

from tests.campaign.inputs.run import INPUTS

__all__ = ["INPUTS"]
