"""Bundles over HTTP: a selection as parameters, and every form in which it is handed over. For all faces."""
