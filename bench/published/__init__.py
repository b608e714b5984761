"""What papers and repositories print about cost, as data: read here, reproduced by `bench.audit`."""
