"""What a graphics card is asked the first time that one is there: one script, one run file, minutes."""
