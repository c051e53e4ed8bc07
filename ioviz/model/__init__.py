"""The ground floor: rows, events, `apply` and the invariants. Knows nothing above itself, and no clock, file or terminal."""
