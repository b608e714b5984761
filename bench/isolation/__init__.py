"""Cases measured in a process of their own: one that crashes, hangs or eats all memory costs itself alone."""
