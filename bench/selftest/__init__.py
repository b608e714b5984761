"""Can this machine be believed now? Instruments against known truths, and verdicts against themselves."""
