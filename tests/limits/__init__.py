"""How much the commands take: what they are given in plenty, and the time and the memory that it takes them."""
