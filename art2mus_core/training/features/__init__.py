"""Features of datasets, computed once and stored."""
