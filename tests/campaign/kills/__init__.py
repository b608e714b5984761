"""Kills: every command that takes a while, ended at every moment at which it changes files, and at moments by chance.

`moments` finds and hits them, `subjects` are the commands, `readers` and `same` judge what is left and how it goes on.
"""

from tests.campaign.kills.run import KILLS

__all__ = ["KILLS"]
