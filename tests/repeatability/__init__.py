"""Sessions of the harness that measure one network as two cases: does each session's interval hold 1?"""
