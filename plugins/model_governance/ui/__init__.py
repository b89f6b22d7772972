"""The report viewer: an app that serves stored pages; who may see them is decided by the guard it is given."""
