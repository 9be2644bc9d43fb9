"""The surface: routes, guards, error rendering, streams out."""
