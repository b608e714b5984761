"""Claims as data, and what files of evidence say of them."""
