"""Many runs in the order of their commits: series, change points, and a site that shows them."""
