"""One file per command of `lamplighter`."""
