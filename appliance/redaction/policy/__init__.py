"""What to look for, and what becomes of it: presets, a site's own policies, and the merge of those that meet."""
