"""The ground floor: rows, events, `apply` and the invariants. Knows nothing above itself."""
