"""Other people's code of our models, run from their own checkout in their own python, and timed in turn with ours."""
