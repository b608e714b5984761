"""The harness: measures what a grounding model costs and how accurate it is, in one run file."""
