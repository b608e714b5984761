"""Published costs, reproduced as they may have come about, and counted exactly."""
