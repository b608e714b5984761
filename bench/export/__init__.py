"""Run files as the dashboards and tables of others take them, one file a format."""
