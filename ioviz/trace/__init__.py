"""What happened, kept: timeline (log, keyframes, seek), recording file, search, causes, comparison of two runs."""
